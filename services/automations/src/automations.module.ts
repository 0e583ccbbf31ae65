import { Module } from '@nestjs/common';
import { LifecycleModule } from '#libs/lifecycle';
import { AssignmentController } from './assignment-rule/assignment.controller.js';
import { AssignmentRuleController } from './assignment-rule/assignment-rule.controller.js';
import { Assignment, AssignmentRule, AssignmentRuleMember } from './assignment-rule/assignment-rule.entity.js';
import { AutomationController } from './automation/automation.controller.js';
import { Automation, AutomationExclusion, AutomationTriggerUser } from './automation/automation.entity.js';
import { AutomationRunController } from './automation-run/automation-run.controller.js';
import { AutomationRun } from './automation-run/automation-run.entity.js';
import { automationsRules } from './departures/automations.rules.js';

export const entities = [
  Automation,
  AutomationTriggerUser,
  AutomationExclusion,
  AutomationRun,
  AssignmentRule,
  AssignmentRuleMember,
  Assignment,
];

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
  controllers: [AutomationController, AutomationRunController, AssignmentRuleController, AssignmentController],
})
export class AutomationsModule {}
