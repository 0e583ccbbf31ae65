import {
  documents,
  isManager,
  storageConnections,
  type LifecycleEventType,
  type NewDocument,
  type Principal,
  type ResolvedRules,
  type Transition,
} from '#libs/contracts';
import { choiceOf, EventProcessor } from '#libs/lifecycle';
import { TestService } from '#libs/platform/testing';
import { buildUserEvent } from '#libs/test-kit';
import { integrationsRules } from '../departures/integrations.rules.js';
import { IntegrationsConfig } from '../integrations.config.js';
import { IntegrationsModule, migrations } from '../integrations.module.js';

/** Starts the service; tests call it as the gateway does. */
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

/** Applies a departure under the default policy. */
export const leaves = (integrations: TestService, person: Principal, transition: Transition = 'deactivated') =>
  apply(integrations, person, `user.${transition}`, 2);

/** Applies the reactivation of a deactivated user. */
export const returns = (integrations: TestService, person: Principal) =>
  apply(integrations, person, 'user.reactivated', 3);

async function apply(
  integrations: TestService,
  person: Principal,
  type: LifecycleEventType,
  lifecycleVersion: number,
): Promise<void> {
  const event = buildUserEvent(integrations, type, person, {
    lifecycleVersion,
    profile: { isManager: isManager(person) },
    departure: { policy: { preset: 'crm', version: 1, rules: DEFAULTS } },
  });
  await integrations.get(EventProcessor).apply([event]);
}

/** Creates a storage; by default only its creator has access. */
export const aStorage = (integrations: TestService, by: Principal, userIds?: string[]) =>
  integrations.call(by, storageConnections.create, { body: { provider: 'google-drive', ...(userIds && { userIds }) } });

/** Creates a document, by default in a new storage of the same person. */
export async function aDocument(integrations: TestService, by: Principal, more: Partial<NewDocument> = {}) {
  const storageId = more.storageId ?? (await aStorage(integrations, by)).id;
  return integrations.call(by, documents.create, { body: { title: 'Offer', ...more, storageId } });
}
