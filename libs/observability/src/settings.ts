/** The sampler names of OpenTelemetry's `OTEL_TRACES_SAMPLER`. */
export const TRACES_SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;
export type TracesSampler = (typeof TRACES_SAMPLERS)[number];

export const LOG_LEVELS = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;

/** The settings for logging and tracing. */
export interface ObservabilitySettings {
  readonly serviceName: string;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  /** Base URL of an OTLP collector over HTTP. Without it no traces are recorded. */
  readonly otelExporterOtlpEndpoint?: string;
  /** Headers for the collector: `name=value`, separated by commas. */
  readonly otelExporterOtlpHeaders?: string;
  readonly otelTracesSampler: TracesSampler;
  /** The share of traces, from 0 to 1, that a ratio sampler records. */
  readonly otelTracesSamplerArg: number;
}

export interface Tracing {
  /** Sends the buffered spans, limited to the time that a stopping process has. Never throws. */
  stop(): Promise<void>;
}
