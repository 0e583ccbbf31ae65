import { Module } from '@nestjs/common';
import { LifecycleModule } from '#libs/lifecycle';
import { AutomationController } from './automation/automation.controller.js';
import { Automation, AutomationTriggerUser } from './automation/automation.entity.js';
import { AutomationRunController } from './automation-run/automation-run.controller.js';
import { AutomationRun } from './automation-run/automation-run.entity.js';
import { automationsRules } from './departures/automations.rules.js';

export const entities = [Automation, AutomationTriggerUser, AutomationRun];

/** What runs by itself, for whom, and on whose behalf. */
@Module({
  imports: [
    LifecycleModule.forService({
      service: 'automations',
      consumer: 'automations-users',
      rules: automationsRules,
      entities,
    }),
  ],
  controllers: [AutomationController, AutomationRunController],
})
export class AutomationsModule {}
