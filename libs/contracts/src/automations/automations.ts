import { Flag, Id, Ids, ListOf, Moment, Nested, OneOf, PersonFilter, Text } from '../fields.js';
import { ListQuery, NoBody, operation, OWNED, pageOf, resource, UserView, type Page } from '../operation.js';

const service = 'automations';

export const TRIGGER_KINDS = ['any', 'selected'] as const;
export type TriggerKind = (typeof TRIGGER_KINDS)[number];

export class NewAutomationTrigger {
  @OneOf(TRIGGER_KINDS, { about: 'Whether it runs for any user or only for selected ones.' }) kind: TriggerKind;
  @Ids({ optional: true, min: 1, about: 'The selected users. Only with `selected`.' }) userIds?: string[];
}

export class AutomationTrigger {
  @OneOf(TRIGGER_KINDS) kind: TriggerKind;
  @Ids({ about: 'Empty for any user.' }) userIds: string[];
  @ListOf(() => UserView) users: UserView[];
}

export class NewAutomation {
  @Text() name: string;
  @Id({ optional: true, about: 'Default: the signed-in user.' }) ownerId?: string;
  @Flag({ optional: true, about: 'Default: true.' }) active?: boolean;
  @Nested(() => NewAutomationTrigger) trigger: NewAutomationTrigger;
}

export class Automation {
  @Id() id: string;
  @Text() name: string;
  @Id() ownerId: string;
  @Nested(() => UserView) owner: UserView;
  @Flag() active: boolean;
  @Nested(() => AutomationTrigger) trigger: AutomationTrigger;
  @Moment() createdAt: string;
}

export class AutomationQuery extends ListQuery {
  @PersonFilter('Id of the owner, or `me`.') ownerId?: string;

  @Flag({ optional: true }) active?: boolean;
}

export class AutomationChanges {
  @Text({ optional: true }) name?: string;
  @Id({ optional: true, about: 'Transfers it to this user.' }) ownerId?: string;
  @Nested(() => NewAutomationTrigger, { optional: true, about: 'Replaces the trigger as a whole.' })
  trigger?: NewAutomationTrigger;
}

export const automations = resource({
  service,
  path: '/v1/automations',
  access: OWNED,
  noun: 'an automation',
  plural: 'automations',
  thing: Automation,
  create: NewAutomation,
  query: AutomationQuery,
  errors: ['unknown-user', 'inactive-user'],
  update: AutomationChanges,
  updateSummary: 'Rename an automation, transfer it, or change its trigger',
  updateErrors: ['unknown-user', 'inactive-user'],
});

export const automationActivate = operation<Automation>({
  id: 'automations.activate',
  service,
  method: 'POST',
  access: 'record-owner-or-manager',
  path: '/v1/automations/:id/activate',
  summary: 'Activate an automation',
  answer: Automation,
  status: 200,
  errors: ['not-found', 'conflict'],
});

export const automationDeactivate = operation<Automation>({
  id: 'automations.deactivate',
  service,
  method: 'POST',
  access: 'record-owner-or-manager',
  path: '/v1/automations/:id/deactivate',
  summary: 'Deactivate an automation',
  answer: Automation,
  status: 200,
  errors: ['not-found'],
});

/** The users by whom the automation list can be filtered: owners of automations who have not left. */
export const automationOwners = operation<Page<UserView>, NoBody, ListQuery>({
  id: 'automations.owners',
  service,
  method: 'GET',
  access: 'signed-in',
  path: '/v1/automations/owners',
  summary: 'List the owners of automations',
  query: ListQuery,
  answer: pageOf(UserView),
});

/** A departure excludes the leaver, and a reactivation includes them again. */
export const automationExclusions = operation<Page<UserView>, NoBody, ListQuery>({
  id: 'automations.exclusions',
  service,
  method: 'GET',
  access: 'signed-in',
  path: '/v1/automations/:id/exclusions',
  summary: 'List the users whom an automation for any user excludes',
  query: ListQuery,
  answer: pageOf(UserView),
  errors: ['not-found'],
});
