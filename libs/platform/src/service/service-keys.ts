import { ServiceKeys } from '#libs/broker';
import { ConfigError, type BaseConfig } from './config.js';

const HOW = 'leaver service-keys makes both settings for every service';

/** @throws ConfigError */
export function serviceKeysOf({ serviceName, serviceKey, servicePublicKeys }: BaseConfig): ServiceKeys {
  let known: unknown;
  try {
    known = JSON.parse(servicePublicKeys);
  } catch {
    throw new ConfigError(serviceName, [`SERVICE_PUBLIC_KEYS must be a JSON object: ${HOW}`]);
  }
  try {
    return ServiceKeys.of(serviceName, serviceKey, known as Record<string, string>);
  } catch (error) {
    // The message names no key.
    throw new ConfigError(serviceName, [`SERVICE_KEY and SERVICE_PUBLIC_KEYS: ${(error as Error).message}; ${HOW}`]);
  }
}
