import { UntrustedBrokerError } from '#libs/broker';
import { databaseCertificateFault, databaseTls } from '#libs/database';
import { ConfigError, ServiceConfig, type BaseConfig } from './config.js';

const HOW = 'See Certificates in docs/OPERATIONS.md';

/**
 * Connects once to a database whose connections are encrypted. A database that cannot be reached is no reason not to start.
 * @throws ConfigError if the address is wrong or the server's certificate is not accepted
 */
export async function verifyDatabase(config: BaseConfig): Promise<void> {
  if (!(config instanceof ServiceConfig)) return;
  const { serviceName, databaseUrl } = config;
  let encrypted: boolean;
  try {
    encrypted = databaseTls(databaseUrl) !== undefined;
  } catch (error) {
    throw new ConfigError(serviceName, [`DATABASE_URL: ${(error as Error).message}`]);
  }
  const fault = encrypted && (await databaseCertificateFault(databaseUrl));
  if (!fault) return;
  const { hostname, port } = new URL(databaseUrl);
  throw new ConfigError(serviceName, [
    `DATABASE_URL: PostgreSQL at ${hostname}:${port || '5432'} is not trusted: ${fault}. sslrootcert in the address has to be the file ` +
      `with the certificate of its CA. ${HOW}`,
  ]);
}

/** @throws ConfigError instead of an error about the broker's certificate, or the error */
export function explainBroker({ serviceName, natsUrl }: BaseConfig, error: unknown): never {
  if (!(error instanceof UntrustedBrokerError)) throw error;
  const hosts = natsUrl.split(',').map((address) => new URL(address.trim()).host);
  throw new ConfigError(serviceName, [
    `NATS_URL: NATS at ${hosts.join(', ')} is not trusted: ${error.message}. NATS_CA_FILE has to be the file with the certificate of ` +
      `its CA. ${HOW}`,
  ]);
}
