export {
  addressOf,
  PrivateAddressError,
  isPrivateAddress,
  isPrivateHost,
  isPrivateUrl,
  publicLookup,
} from './ssrf-guard.js';
export { BaseConfig, ConfigError, loadConfig, ServiceConfig, type Environment } from './service/config.js';
export { settingsOf, type Setting } from './service/settings.js';
export { Readiness } from './service/health.js';
export { IdempotencyKeys, platformMigrations } from './calls/idempotency.js';
export { runService } from './service/run-service.js';
export { Encryption } from './encryption/encryption.js';
export { RotatingEncryption } from './encryption/rotating-encryption.js';
export { keyRotation, KeyRotation, type EncryptedColumn } from './encryption/key-rotation.js';
export { startService, type RunningService, type ServiceOptions } from './service/service.js';
export { plainResource } from './plain-resource.js';
export { allOf, notAllowed, rowsFor, type Relations } from './row-rights.js';
export { personFields } from './resource-values.js';
export { controllersOf, entitiesOf, type ServiceResource } from './service-resource.js';
