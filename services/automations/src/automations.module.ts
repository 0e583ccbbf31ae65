import { Module } from '@nestjs/common';
import type { Migrations } from '#libs/database';
import { LifecycleModule, serviceTables } from '#libs/lifecycle';
import { controllersOf, entitiesOf, platformMigrations, type ServiceResource } from '#libs/platform';
import { AssignmentController } from './assignment-rule/assignment.controller.js';
import { AssignmentRuleController } from './assignment-rule/assignment-rule.controller.js';
import { Assignment, AssignmentRule, AssignmentRuleMember } from './assignment-rule/assignment-rule.entity.js';
import { AutomationController } from './automation/automation.controller.js';
import { Automation, AutomationExclusion, AutomationTriggerUser } from './automation/automation.entity.js';
import { AutomationRunController } from './automation-run/automation-run.controller.js';
import { AutomationRun } from './automation-run/automation-run.entity.js';
import { automationsRules } from './departures/automations.rules.js';
import { automationTables } from './migrations/0100-automations.js';
import { exclusionTables } from './migrations/0101-exclusions.js';
import { assignmentTables } from './migrations/0102-assignment-rules.js';

/** One line per noun: the entities of its tables and its controllers. */
const resources: readonly ServiceResource[] = [
  { entities: [Automation, AutomationTriggerUser, AutomationExclusion], controllers: [AutomationController] },
  { entities: [AutomationRun], controllers: [AutomationRunController] },
  {
    entities: [AssignmentRule, AssignmentRuleMember, Assignment],
    controllers: [AssignmentRuleController, AssignmentController],
  },
];

export const entities = entitiesOf(resources);

/** In the order in which they run. A released migration is never changed. */
export const migrations: Migrations = [
  ...serviceTables,
  ...platformMigrations,
  automationTables,
  exclusionTables,
  assignmentTables,
];

/** Automations and their runs, and rules that assign work in turns. */
@Module({
  imports: [
    LifecycleModule.forService({
      service: 'automations',
      consumer: 'automations-users',
      rules: automationsRules,
      entities,
    }),
  ],
  controllers: controllersOf(resources),
})
export class AutomationsModule {}
