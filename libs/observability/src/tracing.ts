import type { Log } from './log.js';
import type { ObservabilitySettings, Tracing } from './settings.js';

/** Starts recording traces if the settings name a collector; otherwise OpenTelemetry is not even loaded. */
export async function startTracing(config: ObservabilitySettings, log: Log): Promise<Tracing | undefined> {
  if (!config.otelExporterOtlpEndpoint) return undefined;
  const { SpanExport } = await import('./tracing-export.js');
  return SpanExport.start(config, log);
}
