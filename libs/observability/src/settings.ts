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

/** The settings of a process that logging and tracing read. */
export interface ObservabilitySettings {
  readonly serviceName: string;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  /** Base URL of an OTLP collector over HTTP; without it no trace is recorded. */
  readonly otelExporterOtlpEndpoint?: string;
  /** Headers for the collector: `name=value`, separated by commas. */
  readonly otelExporterOtlpHeaders?: string;
  readonly otelTracesSampler: TracesSampler;
  /** The share of traces, from 0 to 1, that a ratio sampler records. */
  readonly otelTracesSamplerArg: number;
}

export interface Tracing {
  /** Sends the buffered spans, for as long as the end of a process may take. Never throws. */
  stop(): Promise<void>;
}
