import { Module } from '@nestjs/common';
import { LifecycleModule } from '#libs/lifecycle';
import { AppController } from './app/app.controller.js';
import { App } from './app/app.entity.js';
import { integrationsRules } from './departures/integrations.rules.js';
import { Sealing } from './sealing.js';
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
  providers: [Sealing, Deliveries, DeliveryWorker],
})
export class IntegrationsModule {}
