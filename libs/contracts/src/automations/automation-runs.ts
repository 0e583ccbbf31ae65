import { Id, Moment, Nested, OneOf } from '../fields.js';
import { ListQuery, NoBody, operation, pageOf, UserView, type Page } from '../operation.js';

const service = 'automations';

export const RUN_STATUSES = ['completed', 'terminated', 'excluded'] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

export const RUN_REASONS = ['user-inactive', 'not-selected'] as const;
export type RunReason = (typeof RUN_REASONS)[number];

export class NewAutomationRun {
  @Id({ about: 'The user for whom the automation runs.' }) userId: string;
}

export class AutomationRun {
  @Id() id: string;
  @Id() automationId: string;
  @Id() userId: string;
  @Nested(() => UserView) user: UserView;

  @OneOf(RUN_STATUSES, {
    about:
      '`terminated`: a selected user has left. `excluded`: the trigger does not select the user, or it selects any user ' +
      'and this one has left.',
  })
  status: RunStatus;

  @OneOf(RUN_REASONS, { optional: true, about: 'Why it did not complete.' }) reason?: RunReason;
  @Moment() createdAt: string;
}

export const automationRun = operation<AutomationRun, NewAutomationRun>({
  id: 'automation-runs.create',
  service,
  method: 'POST',
  access: 'signed-in',
  path: '/v1/automations/:id/runs',
  summary: 'Run an automation for a user',
  body: NewAutomationRun,
  answer: AutomationRun,
  errors: ['not-found', 'conflict', 'unknown-user'],
});

export const automationRuns = operation<Page<AutomationRun>, NoBody, ListQuery>({
  id: 'automation-runs.list',
  service,
  method: 'GET',
  access: 'signed-in',
  path: '/v1/automations/:id/runs',
  summary: 'List the runs of an automation',
  query: ListQuery,
  answer: pageOf(AutomationRun),
  errors: ['not-found'],
});

export const automationRunGet = operation<AutomationRun>({
  id: 'automation-runs.get',
  service,
  method: 'GET',
  access: 'signed-in',
  path: '/v1/automations/:id/runs/:runId',
  summary: 'Read a run of an automation',
  answer: AutomationRun,
  errors: ['not-found'],
});
