# The service without its development tools: no compiler, no PostgreSQL, no command line of Prisma.
# docs/packaging.md tells how to build and run it; a test replays the second stage, command by command.

FROM node:22-slim AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY . .
RUN npm run generate:prisma && npm run build

FROM node:22-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=4000
WORKDIR /opt/carillon
COPY package.json package-lock.json ./
# Optional packages are the bundled PostgreSQL and what Prisma's command line would bring: 260 MB that nothing here runs.
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund && npm cache clean --force
COPY --from=build /src/dist ./dist
COPY --from=build /src/prisma/migrations ./prisma/migrations
COPY --from=build /src/client-sdk/generated/persisted-operations.json ./client-sdk/generated/persisted-operations.json
RUN chmod 755 dist/server/main.js && ln -s /opt/carillon/dist/server/main.js /usr/local/bin/carillon

# carillon.config.ts is mounted here, or copied by an image made from this one.
WORKDIR /app
USER node
EXPOSE 4000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health/live`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["carillon", "start"]
