import { WorkerContext } from '#libs/jobs';
import { Log, Metrics, MetricsController } from '#libs/observability';
import {
  Principals,
  SessionEpochs,
  SessionWatch,
  SignedCalls,
  SigningKeys,
  UNSIGNED_CALLS,
  VerifiedTokens,
} from '#libs/auth';
import {
  CallSigner,
  CallVerifier,
  NAMES_PRINCIPAL,
  NATS,
  Publisher,
  ServiceClient,
  StreamReader,
  STREAMS,
  type ServiceKeys,
} from '#libs/broker';
import { Clock, DATABASE_URL, Ids, TIME_LIMITS, WrittenTables } from '#libs/database';
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
  keys: ServiceKeys;
}

/**
 * Providers for every service: its configuration (by class), log, clock, ids, metrics, and the clients of broker and
 * services.
 */
@Module({})
export class PlatformModule {
  static with({ config, log, nats, streams, clock, ids, keys }: PlatformParts): DynamicModule {
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
      { provide: CallSigner, useValue: new CallSigner(keys, ids.secret(12)) },
      { provide: CallVerifier, useValue: new CallVerifier(keys) },
      { provide: UNSIGNED_CALLS, useValue: config.callsUnsigned },
      { provide: NAMES_PRINCIPAL, useValue: config.callsUnsigned === 'allow' },
      ServiceClient,
      SigningKeys,
      VerifiedTokens,
      SessionEpochs,
      SessionWatch,
      Principals,
      Publisher,
      StreamReader,
      Metrics,
      WrittenTables,
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
        SignedCalls,
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
