// Loaded before Carillon: node --import ./tracing.mjs ...
// Needs @opentelemetry/api, @opentelemetry/core, @opentelemetry/resources and @opentelemetry/sdk-trace-base.
import { propagation, trace } from '@opentelemetry/api'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BasicTracerProvider, BatchSpanProcessor, ConsoleSpanExporter } from '@opentelemetry/sdk-trace-base'

const provider = new BasicTracerProvider({
  resource: resourceFromAttributes({ 'service.name': process.env.OTEL_SERVICE_NAME ?? 'carillon' }),
  // In the place of the console: new OTLPTraceExporter() of @opentelemetry/exporter-trace-otlp-http.
  spanProcessors: [new BatchSpanProcessor(new ConsoleSpanExporter())],
})
trace.setGlobalTracerProvider(provider)
propagation.setGlobalPropagator(new W3CTraceContextPropagator())

// What is still in memory leaves with the process.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void provider.forceFlush())
process.once('beforeExit', () => void provider.shutdown())
