import { EntityManager } from '@mikro-orm/postgresql';
import { Module, type DynamicModule, type Provider, type Type } from '@nestjs/common';
import { WorkerContext } from '#libs/jobs';
import { Publisher, ServiceClient } from '#libs/broker';
import { Log, Metrics } from '#libs/observability';
import { DatabaseModule, Ids, UserLookup, type AnyEntity } from '#libs/database';
import { ContactNotices } from './receive/contact-notices.js';
import { InboxConversion } from './run/conversion.js';
import { DeadLetters, deadLettersController } from './receive/dead-letters.js';
import { EngineMetrics } from './engine-metrics.js';
import { EventProcessor } from './receive/event-processor.js';
import { IdentifierLookup, IdentityDigests } from './receive/identifier-lookup.js';
import { Forgetting } from './receive/forgetting.js';
import { IdentityLookup, Onboarding } from './onboarding.js';
import { questionsController } from './ask/questions.controller.js';
import { PublishedReceipts, Receipts } from './receipts.js';
import { RetryWorker } from './receive/retry.worker.js';
import type { Rule } from './declare/rule.js';
import { RuleSet } from './run/rule-set.js';
import { RemoteEffectWorker } from './later/remote-effect.worker.js';
import { ScheduledActionWorker } from './later/scheduled-action.worker.js';
import { TaskWorker } from './later/task.worker.js';
import { UserEvents, userEventsController } from './receive/user-events.consumer.js';

export interface LifecycleOptions {
  /** The service's name, as in rule ids and subjects. */
  service: string;
  rules: readonly Rule[];
  entities: readonly AnyEntity[];
  /** Durable name of the consumer, as a literal: a consumer with a new name receives every event again. */
  consumer: string;
  /** Turns a leaver's number and threads into a shared inbox, in services that store them. */
  conversion?: Type<InboxConversion>;
  /** Records which contacts of a leaver are told, in the service that sends messages. */
  notices?: Type<ContactNotices>;
  /** Erases details of a deleted user that are stored without the user's id, in services that have such data. */
  forgetting?: Type<Forgetting>;
}

/** Rules whose effects use classes of the service. */
export interface RulesWithEffects<E> {
  effects: Type<E>;
  /** Exports `effects`. */
  module: Type;
  declare: (effects: E) => readonly Rule[];
}

/** Everything that a service needs to take part in departures: its database, its rules, and the engine that applies them. */
@Module({})
export class LifecycleModule {
  static forService(options: LifecycleOptions): DynamicModule {
    const { service, rules, entities, consumer, conversion, notices, forgetting } = options;
    return {
      module: LifecycleModule,
      global: true,
      imports: [DatabaseModule.forService(entities, [{ provide: UserLookup, useClass: IdentityLookup }])],
      controllers: [userEventsController(consumer), questionsController(service), deadLettersController(service)],
      providers: [
        ...engine,
        ruleSet(service, [], () => rules),
        {
          provide: Receipts,
          inject: [Publisher, Ids, Log, Metrics],
          useFactory: (publisher: Publisher, ids: Ids, log: Log, metrics: Metrics) =>
            new PublishedReceipts(service, publisher, ids, log, metrics),
        },
        ...(conversion ? [{ provide: InboxConversion, useClass: conversion }] : []),
        ...(notices ? [{ provide: ContactNotices, useClass: notices }] : []),
        ...(forgetting
          ? [
              { provide: Forgetting, useClass: forgetting },
              { provide: IdentifierLookup, useClass: IdentityDigests },
            ]
          : []),
        UserEvents,
        Onboarding,
        remoteEffectWorker,
      ],
      exports: [RuleSet, EventProcessor, Onboarding, TaskWorker, ScheduledActionWorker, RetryWorker],
    };
  }

  /**
   * The engine for identity: it runs on identity's tables and does not consume user events, because identity publishes them.
   * @param receipts folds the receipts of later work (chunks, delayed effects)
   */
  static forIdentity<E>(
    { service, rules, entities }: Pick<LifecycleOptions, 'service' | 'entities'> & { rules: RulesWithEffects<E> },
    receipts: Provider,
  ): DynamicModule {
    return {
      module: LifecycleModule,
      global: true,
      imports: [DatabaseModule.forService(entities, []), rules.module],
      controllers: [questionsController(service), deadLettersController(service)],
      providers: [...engine, ruleSet(service, [rules.effects], rules.declare), receipts],
      exports: [RuleSet, EventProcessor, TaskWorker, ScheduledActionWorker, RetryWorker, Receipts],
    };
  }
}

function ruleSet<E>(service: string, effects: readonly Type<E>[], declare: (effects: E) => readonly Rule[]): Provider {
  return {
    provide: RuleSet,
    inject: [EntityManager, ...effects],
    useFactory: (em: EntityManager, given: E) => new RuleSet(service, declare(given), em),
  };
}

const remoteEffectWorker: Provider = {
  provide: RemoteEffectWorker,
  inject: [EntityManager, RuleSet, ServiceClient, Receipts, WorkerContext],
  useFactory: (...given: ConstructorParameters<typeof RemoteEffectWorker>) => new RemoteEffectWorker(...given),
};

const engine: Provider[] = [
  EventProcessor,
  EngineMetrics,
  DeadLetters,
  {
    provide: RetryWorker,
    inject: [EntityManager, EventProcessor, Receipts, WorkerContext],
    useFactory: (...given: ConstructorParameters<typeof RetryWorker>) => new RetryWorker(...given),
  },
  {
    provide: TaskWorker,
    inject: [EntityManager, RuleSet, Receipts, WorkerContext],
    useFactory: (...given: ConstructorParameters<typeof TaskWorker>) => new TaskWorker(...given),
  },
  {
    provide: ScheduledActionWorker,
    inject: [EntityManager, RuleSet, Receipts, WorkerContext, { token: Onboarding, optional: true }],
    useFactory: (...given: ConstructorParameters<typeof ScheduledActionWorker>) => new ScheduledActionWorker(...given),
  },
];
