import {
  documents,
  storageConnections,
  type NewDocument,
  type Principal,
  type Profile,
  type ResolvedRules,
  type Transition,
  type UserEvent,
} from '#libs/contracts';
import { choiceOf, EventProcessor } from '#libs/lifecycle';
import { TestService } from '#libs/platform/testing';
import { integrationsRules } from '../departures/integrations.rules.js';
import { IntegrationsConfig } from '../integrations.config.js';
import { IntegrationsModule } from '../integrations.module.js';
import { migrations } from '../migrations/migrations.js';

/** The service, to be called as the gateway calls it. */
export const startIntegrations = () =>
  TestService.start({
    name: 'integrations',
    module: IntegrationsModule,
    migrations,
    config: IntegrationsConfig,
    env: { INTEGRATIONS_SECRET: 'a-secret-for-tests-that-is-long-enough' },
  });

const DEFAULTS: ResolvedRules = Object.fromEntries(
  integrationsRules.map(({ id, choices }) => [
    id,
    Object.fromEntries(Object.entries(choices).map(([transition, { actions }]) => [transition, choiceOf(actions[0]!)])),
  ]),
);

/** Somebody leaves, and every rule does what it does unless an account has chosen otherwise. */
export const leaves = (integrations: TestService, person: Principal, transition: Transition = 'deactivated') =>
  apply(integrations, person, transition, 2, transition === 'deleted' ? ['deactivated', 'deleted'] : ['deactivated']);

/** Somebody who was deactivated returns. */
export const returns = (integrations: TestService, person: Principal) => apply(integrations, person, 'active', 3, []);

async function apply(
  integrations: TestService,
  { accountId, userId, roles }: Principal,
  status: Profile['status'],
  version: number,
  steps: Transition[],
): Promise<void> {
  const isManager = roles.some((role) => role !== 'agent');
  const time = integrations.clock.now().toISOString();
  const named = status !== 'deleted';
  const event: UserEvent = {
    specversion: '1.0',
    id: integrations.ids.next(),
    source: '/leaver/identity',
    type: status === 'active' ? 'user.reactivated' : `user.${status as Transition}`,
    subject: userId,
    time,
    datacontenttype: 'application/json',
    data: {
      accountId,
      userId,
      seq: version,
      lifecycleVersion: version,
      profile: {
        name: named ? 'Robin Example' : null,
        staffId: named ? 'S-1' : null,
        status,
        isManager,
        teamIds: [],
        createdAt: time,
        redactionLabel: 'plain',
        legalHold: false,
      },
      departure: {
        id: integrations.ids.next(),
        steps,
        activeSince: 1,
        wasManager: isManager,
        policy: { preset: 'crm', version: 1, rules: DEFAULTS },
        round: 0,
      },
    },
  };
  await integrations.get(EventProcessor).apply([event]);
}

/** A storage of the person's own, unless others are named. */
export const aStorage = (integrations: TestService, by: Principal, userIds?: string[]) =>
  integrations.call(by, storageConnections.create, { body: { provider: 'google-drive', ...(userIds && { userIds }) } });

/** A document of the person's, in a storage of their own unless another is named. */
export async function aDocument(integrations: TestService, by: Principal, more: Partial<NewDocument> = {}) {
  const storageId = more.storageId ?? (await aStorage(integrations, by)).id;
  return integrations.call(by, documents.create, { body: { title: 'Offer', ...more, storageId } });
}
