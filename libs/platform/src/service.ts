import { closeNats, connectNats, JetStreamServer, RethrowFilter, RpcProblemFilter, RpcServer } from '#libs/broker';
import type { Class } from '#libs/contracts';
import { Clock, Ids, SystemClock } from '#libs/database';
import { Module, type DynamicModule, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { CustomStrategy, NestMicroservice } from '@nestjs/microservices';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { NatsConnection } from '@nats-io/transport-node';
import type { AddressInfo } from 'node:net';
import type { DestinationStream, Logger } from 'pino';
import { BatchInterceptor } from './batch-interceptor.js';
import { CallInterceptor } from './call-interceptor.js';
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

export interface ServiceOptions {
  /** As in subjects: `rpc.<name>.…`. Replicas share it. */
  name: string;
  module: Type | DynamicModule;
  /** The service's own configuration; `ServiceConfig` unless given. */
  config?: Class<BaseConfig>;
  env: Environment;
  clock?: Clock;
  ids?: Ids;
  /** The HTTP side, when it is more than health and metrics. */
  adapter?: (log: Logger) => FastifyAdapter;
  /** Runs when the application is put together and not listening yet. */
  configure?: (app: NestFastifyApplication) => void | Promise<void>;
  /** Where log lines go instead of standard output. */
  logTo?: DestinationStream;
}

export interface RunningService {
  app: NestFastifyApplication;
  /** Of HTTP. */
  port: number;
  /** Of the metrics, if they have a port of their own. */
  metricsPort?: number;
  log: Logger;
  /** Lets calls and batches at work finish, within 5 seconds. */
  close(): Promise<void>;
}

@Module({})
class ServiceModule {}

/**
 * Starts a service: connects, builds the application, and listens on HTTP, for calls and for events.
 * Several may run in one process.
 * @throws ConfigError when settings are missing or wrong
 */
export async function startService(options: ServiceOptions): Promise<RunningService> {
  const { name, env, config: type = ServiceConfig, clock = new SystemClock(), ids = new Ids(clock) } = options;
  const config = loadConfig(type, name, env);
  let countLine: (level: string) => void = () => undefined;
  const log = createLogger(config, options.logTo, (level) => countLine(level));
  const tracing = await startTracing(config, log);
  const nats = await connectNats({ url: config.natsUrl, name, replicas: config.natsReplicas });
  const parts = { config, log, nats, clock, ids };
  let app: NestFastifyApplication | undefined;
  let metrics: MetricsServer | undefined;
  try {
    app = await createApplication(options, parts, log);
    const lines = app.get(Metrics).counter('leaver_log_lines_total', 'Lines of the log.', ['level']);
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
    // The first error is the one to report.
    await app?.close().catch(() => undefined);
    await metrics?.close();
    await closeNats(nats);
    await tracing?.stop();
    throw error;
  }
  const { port } = app.getHttpServer().address() as AddressInfo;
  const metricsPort = metrics?.port;
  log.info({ port, metricsPort }, 'ready');
  return { app, port, metricsPort, log, close: () => closeService(app, nats, metrics, tracing) };
}

async function closeService(
  app: NestFastifyApplication,
  nats: NatsConnection,
  metrics?: MetricsServer,
  tracing?: Tracing,
): Promise<void> {
  await app.close();
  await metrics?.close();
  await closeNats(nats);
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

/** Calls and events have filters and interceptors of their own: what the gateway sets up for HTTP must not touch them. */
function listenOnNats(app: NestFastifyApplication, { config, log, nats, ids }: PlatformParts): void {
  const connect = (strategy: CustomStrategy['strategy']) => {
    // Put together only when it starts to listen, so that it knows the filters added below.
    const microservice = app.connectMicroservice<CustomStrategy>(
      { strategy },
      { deferInitialization: true },
    ) as NestMicroservice;
    // The application has run these hooks for all its modules by then.
    microservice.setIsInitHookCalled(true);
    return microservice;
  };
  connect(new RpcServer({ nats, queue: config.serviceName, log }))
    .useGlobalFilters(new RpcProblemFilter(log))
    .useGlobalInterceptors(app.get(CallInterceptor, { strict: false }));
  connect(new JetStreamServer({ nats, log, random: () => ids.fraction() }))
    .useGlobalFilters(new RethrowFilter())
    .useGlobalInterceptors(app.get(BatchInterceptor, { strict: false }));
}
