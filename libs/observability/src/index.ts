export * from './log.js';
export * from './work-context.js';
export * from './spans.js';
export { Metrics, MetricsController } from './metrics.js';
export { MetricsServer } from './metrics-server.js';
export { createLogger, nestLogger } from './logging.js';
export { observeRequests } from './http-log.js';
export { traceRequests } from './tracing-http.js';
export { startTracing } from './tracing.js';
export {
  LOG_LEVELS,
  TRACES_SAMPLERS,
  type ObservabilitySettings,
  type TracesSampler,
  type Tracing,
} from './settings.js';
