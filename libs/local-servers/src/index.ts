export {
  createServiceDatabase,
  withClient,
  type RolePasswords,
  type ServiceDatabase,
  assumingCalls,
  callsOf,
  createDatabase,
  databaseUrls,
  restrictEntry,
} from './databases.js';
export { commandLine, end, guard } from './process-guard.js';
export {
  natsAuthorization,
  natsConfiguration,
  startNats,
  type Nats,
  type NatsAccounts,
  type NatsOptions,
  type NatsUser,
} from './nats.js';
export { findNatsServer, type NatsServer, type OnProgress, natsImage } from './nats-server.js';
export { MailSink, type MailSinkOptions, type SunkMail } from './mail-sink.js';
export { freePort, isPortFree } from './ports.js';
export { startPostgres, type Postgres, type PostgresOptions } from './postgres.js';
export { reachableByPostgres } from './postgres-account.js';
export { startPostgresContainer } from './postgres-container.js';
export { eventually, type WaitOptions } from './eventually.js';
export { natsTls, POSTGRES_ACCESS, SERVER_CERTIFICATE, SERVER_KEY, type ServerTls } from './server-tls.js';
export { newServiceKey, publicServiceKey } from './service-keys.js';
