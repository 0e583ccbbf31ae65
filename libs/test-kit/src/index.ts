export { asAnotherProcess } from './another-process.js';
export { eventually, type WaitOptions } from '#libs/local-servers';
export { testBroker, type TestBroker } from './test-broker.js';
export { testDatabase, type TestDatabase, type TestDatabaseOptions } from './test-database.js';
export { TcpProxy } from './tcp-proxy.js';
export { temporaryFolder, testRun } from './test-run.js';
export { startRunServers } from './run-servers.js';
export { buildUserEvent } from './user-event.js';
export { serviceKeys } from './service-keys.js';
