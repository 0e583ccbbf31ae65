import { Module } from '@nestjs/common';
import { Ids } from '#libs/database';
import { LifecycleModule } from '#libs/lifecycle';
import { Sealing } from '#libs/platform';
import { AppController } from './app/app.controller.js';
import { App } from './app/app.entity.js';
import { integrationsRules } from './departures/integrations.rules.js';
import { IntegrationsConfig } from './integrations.config.js';
import { Deliveries } from './webhook/deliveries.js';
import { DeliveryWorker } from './webhook/delivery.worker.js';
import { WebhookController } from './webhook/webhook.controller.js';
import { Webhook } from './webhook/webhook.entity.js';

export const entities = [App, Webhook];

/** What connects the account with the world outside: installed apps, webhooks. */
@Module({
  imports: [
    LifecycleModule.forService({
      service: 'integrations',
      consumer: 'integrations-users',
      rules: integrationsRules,
      entities,
    }),
  ],
  controllers: [AppController, WebhookController],
  providers: [
    {
      provide: Sealing,
      inject: [IntegrationsConfig, Ids],
      useFactory: ({ integrationsSecret }: IntegrationsConfig, ids: Ids) =>
        new Sealing(integrationsSecret, 'integrations', ids),
    },
    Deliveries,
    DeliveryWorker,
  ],
})
export class IntegrationsModule {}
