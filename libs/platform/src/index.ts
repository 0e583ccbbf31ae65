export { addressOf, ClosedAddress, isClosedAddress, isClosedHost, isClosedUrl, publicLookup } from './addresses.js';
export { BaseConfig, ConfigError, loadConfig, LOG_LEVELS, ServiceConfig, type Environment } from './config.js';
export { Readiness } from './health.js';
export { IdempotencyKeys, platformMigrations } from './idempotency.js';
export { Metrics } from './metrics.js';
export { runService } from './run-service.js';
export { Sealing } from './sealing.js';
export { startService, type RunningService, type ServiceOptions } from './service.js';
export { personFields, plainResource } from './plain-resource.js';
