export {
  addressOf,
  PrivateAddressError,
  isPrivateAddress,
  isPrivateHost,
  isPrivateUrl,
  publicLookup,
} from './ssrf-guard.js';
export { BaseConfig, ConfigError, loadConfig, ServiceConfig, type Environment } from './config.js';
export { settingsOf, type Setting } from './settings.js';
export { Readiness } from './health.js';
export { IdempotencyKeys, platformMigrations } from './idempotency.js';
export { runService } from './run-service.js';
export { Encryption } from './encryption.js';
export { RotatingEncryption } from './rotating-encryption.js';
export { keyRotation, KeyRotation, type EncryptedColumn } from './key-rotation.js';
export { startService, type RunningService, type ServiceOptions } from './service.js';
export { personFields, plainResource } from './plain-resource.js';
export { controllersOf, entitiesOf, type ServiceResource } from './service-resource.js';
