import { SignedCalls } from '#libs/auth';
import {
  closeNats,
  connectNats,
  connectStreams,
  JetStreamServer,
  RethrowFilter,
  RpcProblemFilter,
  RpcServer,
} from '#libs/broker';
import type { Class } from '#libs/contracts';
import { Clock, Ids, SystemClock } from '#libs/database';
import { Module, type DynamicModule, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { CustomStrategy, NestMicroservice } from '@nestjs/microservices';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { NatsConnection } from '@nats-io/transport-node';
import type { AddressInfo } from 'node:net';
import type { DestinationStream, Logger } from 'pino';
import { BatchInterceptor } from '../calls/batch-interceptor.js';
import { CallInterceptor } from '../calls/call-interceptor.js';
import { BaseConfig, loadConfig, ServiceConfig, type Environment } from './config.js';
import { releaseClients } from './http-close.js';
import {
  Metrics,
  MetricsServer,
  observeRequests,
  createLogger,
  nestLogger,
  traceRequests,
  startTracing,
  type Tracing,
} from '#libs/observability';
import { PlatformModule, type PlatformParts } from './platform.module.js';
import { serviceKeysOf } from './service-keys.js';
import { explainBroker, verifyDatabase } from './server-trust.js';

export interface ServiceOptions {
  /** The name in subjects: `rpc.<name>.…`. Replicas share it. */
  name: string;
  module: Type | DynamicModule;
  /** The service's configuration class. Default: `ServiceConfig`. */
  config?: Class<BaseConfig>;
  /** Whether the service creates and fills the streams. Only identity does. */
  ownsStreams?: boolean;
  env: Environment;
  clock?: Clock;
  ids?: Ids;
  /** The HTTP adapter, if the service serves more than health and metrics. */
  adapter?: (log: Logger) => FastifyAdapter;
  /** Runs when the application is initialised but not listening yet. */
  configure?: (app: NestFastifyApplication) => void | Promise<void>;
  /** Destination of log lines instead of standard output. */
  logTo?: DestinationStream;
}

export interface RunningService {
  app: NestFastifyApplication;
  /** The HTTP port. */
  port: number;
  /** The port of the metrics, if it is a separate one. */
  metricsPort?: number;
  log: Logger;
  /** Stops the service. Running calls and batches may finish, within 5 seconds. */
  close(): Promise<void>;
}

@Module({})
class ServiceModule {}

/**
 * Starts a service: connects, builds the application, and listens for HTTP, calls and events. Several services may run
 * in one process.
 * @throws ConfigError when settings are missing or invalid
 */
export async function startService(options: ServiceOptions): Promise<RunningService> {
  const { name, env, config: type = ServiceConfig, clock = new SystemClock(), ids = new Ids(clock) } = options;
  const config = loadConfig(type, name, env);
  const keys = serviceKeysOf(config);
  await verifyDatabase(config);
  let countLine: (level: string) => void = () => undefined;
  const log = createLogger(config, options.logTo, (level) => countLine(level));
  const tracing = await startTracing(config, log);
  const address = { url: config.natsUrl, ca: config.natsCa, name, replicas: config.natsReplicas };
  const nats = await connectNats(address).catch((error) => explainBroker(config, error));
  const streams = options.ownsStreams ? await connectStreams(nats, address) : nats;
  const connections = [...new Set([nats, streams])];
  const parts = { config, log, nats, streams, clock, ids, keys };
  let app: NestFastifyApplication | undefined;
  let metrics: MetricsServer | undefined;
  try {
    app = await createApplication(options, parts, log);
    const lines = app.get(Metrics).counter('leaver_log_lines_total', 'Log lines.', ['level']);
    countLine = (level) => lines.inc({ level });
    traceRequests(app, ids);
    observeRequests(app, log);
    releaseClients(app);
    listenOnNats(app, parts);
    await app.init();
    await options.configure?.(app);
    await app.startAllMicroservices();
    if (config.metricsPort !== undefined)
      metrics = await MetricsServer.listen(app.get(Metrics), config.metricsPort, config.host);
    await app.listen(config.port, config.host);
  } catch (error) {
    // Only the first error is reported.
    await app?.close().catch(() => undefined);
    await metrics?.close();
    await Promise.all(connections.map(closeNats));
    await tracing?.stop();
    throw error;
  }
  const { port } = app.getHttpServer().address() as AddressInfo;
  const metricsPort = metrics?.port;
  log.info({ port, metricsPort }, 'ready');
  return { app, port, metricsPort, log, close: () => closeService(app, connections, metrics, tracing) };
}

async function closeService(
  app: NestFastifyApplication,
  connections: readonly NatsConnection[],
  metrics?: MetricsServer,
  tracing?: Tracing,
): Promise<void> {
  await app.close();
  await metrics?.close();
  await Promise.all(connections.map(closeNats));
  await tracing?.stop();
}

function createApplication(
  { module, adapter }: ServiceOptions,
  parts: PlatformParts,
  log: Logger,
): Promise<NestFastifyApplication> {
  const root: DynamicModule = { module: ServiceModule, imports: [PlatformModule.with(parts), module] };
  const http = adapter?.(log) ?? new FastifyAdapter({ bodyLimit: 1024 });
  return NestFactory.create<NestFastifyApplication>(root, http, { logger: nestLogger(log), abortOnError: false });
}

/** Calls and events have separate filters and interceptors: the gateway's HTTP setup must not affect them. */
function listenOnNats(app: NestFastifyApplication, { config, log, nats, streams, ids }: PlatformParts): void {
  const connect = (strategy: CustomStrategy['strategy']) => {
    // Initialised only when it starts to listen, so that it uses the filters added below.
    const microservice = app.connectMicroservice<CustomStrategy>(
      { strategy },
      { deferInitialization: true },
    ) as NestMicroservice;
    // The application has already run these hooks for all of its modules.
    microservice.setIsInitHookCalled(true);
    return microservice;
  };
  connect(new RpcServer({ nats, queue: config.serviceName, admission: app.get(SignedCalls, { strict: false }), log }))
    .useGlobalFilters(new RpcProblemFilter(log))
    .useGlobalInterceptors(app.get(CallInterceptor, { strict: false }));
  connect(new JetStreamServer({ nats: streams, log, random: () => ids.fraction() }))
    .useGlobalFilters(new RethrowFilter())
    .useGlobalInterceptors(app.get(BatchInterceptor, { strict: false }));
}
