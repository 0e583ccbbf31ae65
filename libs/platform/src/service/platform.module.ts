import { WorkerContext } from '#libs/jobs';
import { Log, Metrics, MetricsController } from '#libs/observability';
import { NATS, Publisher, ServiceClient, StreamReader, STREAMS } from '#libs/broker';
import { Clock, DATABASE_URL, Ids, TIME_LIMITS } from '#libs/database';
import { Module, type DynamicModule } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import type { NatsConnection } from '@nats-io/transport-node';
import { BatchInterceptor } from '../calls/batch-interceptor.js';
import { CallInterceptor } from '../calls/call-interceptor.js';
import { CallTransactions } from '../calls/call-transactions.js';
import { CallsInTransaction } from '../calls/calls-in-transaction.js';
import { BaseConfig, ServiceConfig, timeLimitsOf } from './config.js';
import { HealthController, Readiness } from './health.js';
import { IdempotencyKeys } from '../calls/idempotency.js';
import { IdempotencySweep } from '../calls/idempotency-sweep.worker.js';

export interface PlatformParts {
  config: BaseConfig;
  log: Log;
  nats: NatsConnection;
  /** The connection for streams. */
  streams: NatsConnection;
  clock: Clock;
  ids: Ids;
}

/**
 * Providers for every service: its configuration (by class), log, clock, ids, metrics, and the clients of broker and
 * services.
 */
@Module({})
export class PlatformModule {
  static with({ config, log, nats, streams, clock, ids }: PlatformParts): DynamicModule {
    const shared = [
      { provide: BaseConfig, useValue: config },
      { provide: config.constructor, useValue: config },
      ...(config instanceof ServiceConfig
        ? [
            { provide: ServiceConfig, useValue: config },
            { provide: DATABASE_URL, useValue: config.databaseUrl },
            { provide: TIME_LIMITS, useValue: timeLimitsOf(config) },
          ]
        : []),
      { provide: Log, useValue: log },
      { provide: NATS, useValue: nats },
      { provide: STREAMS, useValue: streams },
      { provide: Clock, useValue: clock },
      { provide: Ids, useValue: ids },
      ServiceClient,
      Publisher,
      StreamReader,
      Metrics,
      WorkerContext,
      Readiness,
      IdempotencyKeys,
    ];
    return {
      module: PlatformModule,
      global: true,
      imports: [TerminusModule.forRoot({ logger: false })],
      controllers: [HealthController, ...(config.metricsPort === undefined ? [MetricsController] : [])],
      providers: [
        ...shared,
        BatchInterceptor,
        CallTransactions,
        CallInterceptor,
        CallsInTransaction,
        ...(config instanceof ServiceConfig ? [IdempotencySweep] : []),
      ],
      exports: shared.map((provider) => ('provide' in provider ? provider.provide : provider)),
    };
  }
}
