import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, TraceFlags, type SpanContext } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type ReadableSpan,
  type Sampler,
  type SpanExporter,
} from '@opentelemetry/sdk-trace';
import { setTimeout as pause } from 'node:timers/promises';
import { safeErrorFields, type Log } from './log.js';
import { setSpanRecorder, type SpanOptions, type ActiveSpan } from './spans.js';
import { traceIdOf } from './work-context.js';
import type { ObservabilitySettings, TracesSampler, Tracing } from './settings.js';
import { traceStatements } from './tracing-sql.js';

/** Maximum number of buffered spans. Further spans are dropped, so that an unavailable collector costs no memory. */
const MAX_BUFFERED_SPANS = 2_048;
const EXPORT_TIMEOUT = 5_000;
/** Milliseconds for the last spans at shutdown. A service has five seconds to stop, and its work comes first. */
const SHUTDOWN_TIMEOUT = 700;
/** Maximum number of links of a span: the number of messages in a batch. */
const LINK_LIMIT = 500;

const KINDS = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
  internal: SpanKind.INTERNAL,
};

const samplers: Record<TracesSampler, (share: number) => Sampler> = {
  always_on: () => new AlwaysOnSampler(),
  always_off: () => new AlwaysOffSampler(),
  traceidratio: (share) => new TraceIdRatioBasedSampler(share),
  parentbased_always_on: () => new ParentBasedSampler({ root: new AlwaysOnSampler() }),
  parentbased_always_off: () => new ParentBasedSampler({ root: new AlwaysOffSampler() }),
  parentbased_traceidratio: (share) => new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(share) }),
};

/**
 * Sends the spans of this process to a collector through OpenTelemetry's SDK. Loaded only if a collector is configured.
 */
export class SpanExport implements Tracing {
  private constructor(
    private readonly provider: TracerProvider,
    private readonly stopStatements: () => void,
  ) {}

  static start(config: ObservabilitySettings, log: Log): SpanExport {
    const exporter = new OTLPTraceExporter({
      url: `${config.otelExporterOtlpEndpoint!.replace(/\/+$/, '')}/v1/traces`,
      headers: headersIn(config.otelExporterOtlpHeaders),
      timeoutMillis: EXPORT_TIMEOUT,
    });
    const provider = new TracerProvider({
      resource: defaultResource().merge(
        resourceFromAttributes({ 'service.name': config.serviceName, 'service.namespace': 'leaver' }),
      ),
      sampler: samplers[config.otelTracesSampler](config.otelTracesSamplerArg),
      spanLimits: { linkCountLimit: LINK_LIMIT },
      spanProcessors: [
        new BatchSpanProcessor({ exporter: new LoggingExporter(exporter, log), maxQueueSize: MAX_BUFFERED_SPANS }),
      ],
    });
    const tracer = provider.getTracer('leaver');
    setSpanRecorder(({ name, kind, attributes, parent, links = [] }: SpanOptions): ActiveSpan => {
      const context = parent ? trace.setSpanContext(ROOT_CONTEXT, contextOf(parent)) : ROOT_CONTEXT;
      const options = { kind: KINDS[kind], attributes, links: links.map((link) => ({ context: contextOf(link) })) };
      const span = tracer.startSpan(name, options, context);
      return {
        traceparent: traceparentOf(span.spanContext()),
        set: (more) => void span.setAttributes(more),
        end: (failure) => {
          if (failure) span.setAttribute('error.type', failure).setStatus({ code: SpanStatusCode.ERROR });
          span.end();
        },
      };
    });
    return new SpanExport(provider, traceStatements());
  }

  async stop(): Promise<void> {
    setSpanRecorder(undefined);
    this.stopStatements();
    // The exporter has logged that the collector is unavailable; these spans are lost.
    const shutdown = this.provider.shutdown().catch(() => undefined);
    await Promise.race([shutdown, pause(SHUTDOWN_TIMEOUT, undefined, { ref: false })]);
  }
}

/** Logs when the collector becomes unreachable and when it is reachable again, but not each failure in between. */
class LoggingExporter implements SpanExporter {
  private failing = false;

  constructor(
    private readonly exporter: SpanExporter,
    private readonly log: Log,
  ) {}

  export(spans: ReadableSpan[], done: Parameters<SpanExporter['export']>[1]): void {
    this.exporter.export(spans, (result) => {
      const failing = result.error !== undefined;
      if (failing && !this.failing)
        this.log.warn({ spans: spans.length, ...safeErrorFields(result.error) }, 'cannot send spans to the collector');
      if (!failing && this.failing) this.log.info({}, 'sending spans to the collector again');
      this.failing = failing;
      done(result);
    });
  }

  forceFlush(): Promise<void> {
    return this.exporter.forceFlush?.() ?? Promise.resolve();
  }

  shutdown(): Promise<void> {
    return this.exporter.shutdown();
  }
}

const contextOf = (traceparent: string): SpanContext => ({
  traceId: traceIdOf(traceparent),
  spanId: traceparent.slice(36, 52),
  traceFlags: parseInt(traceparent.slice(53), 16) & TraceFlags.SAMPLED,
  isRemote: true,
});

const traceparentOf = ({ traceId, spanId, traceFlags }: SpanContext): string =>
  `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;

/** Parses `name=value` pairs separated by commas; values are percent-encoded. */
function headersIn(list = ''): Record<string, string> {
  const pairs = list.split(',').map((pair) => /^\s*([^=\s]+)\s*=(.*)$/.exec(pair));
  return Object.fromEntries(pairs.filter((pair) => pair !== null).map(([, name, value]) => [name, decoded(value!)]));
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value.trim());
  } catch {
    return value.trim();
  }
}
