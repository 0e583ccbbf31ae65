export {
  addressOf,
  PrivateAddressError as ClosedAddress,
  isPrivateAddress as isClosedAddress,
  isPrivateHost as isClosedHost,
  isPrivateUrl as isClosedUrl,
  publicLookup,
} from './addresses.js';
export { BaseConfig, ConfigError, loadConfig, LOG_LEVELS, ServiceConfig, type Environment } from './config.js';
export { Readiness } from './health.js';
export { IdempotencyKeys, platformMigrations } from './idempotency.js';
export { Metrics } from './metrics.js';
export { runService } from './run-service.js';
export { Encryption as Sealing } from './sealing.js';
export { RotatingEncryption as RotatingSealing } from './rotating-sealing.js';
export {
  keyRotation as resealing,
  KeyRotation as Resealing,
  type EncryptedColumn as SealedColumn,
} from './resealing.js';
export { startService, type RunningService, type ServiceOptions } from './service.js';
export { personFields, plainResource } from './plain-resource.js';
