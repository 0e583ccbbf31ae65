import type { Log } from '#libs/broker';
import type { BaseConfig } from './config.js';

export interface Tracing {
  /** Sends what is still waiting, for as long as that may take at the end of a process. Never throws. */
  stop(): Promise<void>;
}

/** Records traces where the settings name a collector. Elsewhere nothing of it is even loaded. */
export async function startTracing(config: BaseConfig, log: Log): Promise<Tracing | undefined> {
  if (!config.otelExporterOtlpEndpoint) return undefined;
  const { SpanExport } = await import('./tracing-export.js');
  return SpanExport.start(config, log);
}
