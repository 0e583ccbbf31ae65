import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { headers, type NatsConnection } from '@nats-io/transport-node';
import { USERS } from '#libs/broker';
import { eventually } from '#libs/test-kit';
import { settled, violations } from './checker.js';
import type { Cluster } from './cluster/cluster.js';
import { Company, expectStatus, type Person } from './company/company.js';
import type { Edit } from './edits.js';

export interface Stage {
  cluster: Cluster;
  nats: NatsConnection;
}

/** A mechanism without which invariants would break, and a scenario that shows it. */
export interface Safeguard {
  name: string;
  /** The service that runs without it. */
  service: string;
  missing: readonly Edit[];
  /** Creates the situation that the safeguard is for. @returns the violations afterwards */
  scene: (stage: Stage) => Promise<string[]>;
}

const SETTLE = 30_000;
const SERVICE = 'messaging';

const inboxKey: Safeguard = {
  name: 'the inbox, which detects repeated events',
  service: SERVICE,
  missing: [
    {
      file: 'lifecycle/src/receive/event-processor.ts',
      from: 'const isKnown = [^;]*;',
      to: 'const isKnown = () => false;',
    },
    // Otherwise the primary key would reject the repeated event.
    {
      file: 'lifecycle/src/inbox/inbox.ts',
      from: 'rows, ENTRY_COLUMNS\\)\\}',
      to: 'rows, ENTRY_COLUMNS)} on conflict (user_id, lifecycle_version) do update set lines = excluded.lines',
    },
  ],
  scene: async ({ cluster, nats }) => {
    const { company, agent } = await agentWithChats(cluster);
    expectStatus(await company.decide(agent.id, 'deactivate'), 202);
    await settled(cluster.servers, company.accountId, SETTLE);
    const { manager, subject, data } = await eventOf(nats, company, agent, 'deactivated');
    await publish(nats, manager, subject, data);
    return settledViolations(cluster, company);
  },
};

/** An old decision arrives for the first time after a newer one has been applied. */
const fence: Safeguard = {
  name: 'the fence of the lifecycle version',
  service: SERVICE,
  missing: [
    {
      file: 'lifecycle/src/receive/event-processor.ts',
      from: 'event\\.data\\.lifecycleVersion >= ',
      to: 'event.data.lifecycleVersion + 1e6 >= ',
    },
  ],
  scene: async ({ cluster, nats }) => {
    const { company, agent } = await agentWithChats(cluster);
    const { manager, subject, data } = await whileDown(cluster, async () => {
      expectStatus(await company.decide(agent.id, 'deactivate'), 202);
      const event = await eventOf(nats, company, agent, 'deactivated');
      await stopRepublishing(cluster, agent);
      await event.manager.streams.purge(USERS.name, { filter: event.subject });
      expectStatus(await company.decide(agent.id, 'reactivate'), 202);
      return event;
    });
    await eventually(
      async () => {
        const text = `select 1 from inbox where user_id = $1 and type = 'user.reactivated' and status = 'completed'`;
        return (await cluster.servers.query(SERVICE, text, [agent.id])).length > 0;
      },
      { timeout: SETTLE },
    );
    expectStatus(await company.chat('Somebody else', agent.id), 201);
    await publish(nats, manager, subject, data);
    return settledViolations(cluster, company);
  },
};

/** The broker loses an event before the service has received it. */
const republication: Safeguard = {
  name: 'the repeated publication of unanswered events',
  service: 'identity',
  missing: [
    { file: 'outbox/src/relay.ts', from: 'REPUBLISH_DELAYS_MS = \\[[^\\]]*\\]', to: 'REPUBLISH_DELAYS_MS = [1e9]' },
  ],
  scene: async ({ cluster, nats }) => {
    const { company, agent } = await agentWithChats(cluster);
    await whileDown(cluster, async () => {
      expectStatus(await company.decide(agent.id, 'deactivate'), 202);
      const { manager, subject } = await eventOf(nats, company, agent, 'deactivated');
      await manager.streams.purge(USERS.name, { filter: subject });
    });
    return settledViolations(cluster, company, 12_000);
  },
};

const writersCheck: Safeguard = {
  name: 'the check of writers that the named user has not left',
  service: SERVICE,
  missing: [{ file: 'database/src/directory.ts', from: 'if \\(gone\\.length > 0\\)', to: 'if (false)' }],
  scene: async ({ cluster }) => {
    const { company, agent } = await agentWithChats(cluster);
    expectStatus(await company.decide(agent.id, 'deactivate'), 202);
    await settled(cluster.servers, company.accountId, SETTLE);
    await company.chat('A late visitor', agent.id);
    return settledViolations(cluster, company);
  },
};

/** The only two owners deactivate themselves concurrently; a slow connection makes the transactions overlap. */
const ownerLock: Safeguard = {
  name: 'the lock on the account for counting owners',
  service: 'identity',
  missing: [{ file: 'common/account-lock.ts', from: ' for no key update', to: '' }],
  scene: async ({ cluster }) => {
    const company = await Company.create(cluster.url);
    const other = await company.hire('owner');
    const others = await company.signIn(other);
    const line = cluster.servers.proxies.get('identity')!.database!;
    line.slow(15);
    await Promise.all([
      company.decide(company.owner.id, 'deactivate'),
      company.askAs(others, 'POST', `/v1/users/${other.id}/deactivate`, {}),
    ]);
    line.slow(0);
    return settledViolations(cluster, company);
  },
};

export const SAFEGUARDS: readonly Safeguard[] = [inboxKey, fence, republication, writersCheck, ownerLock];

/** Creates an agent with three chats. */
async function agentWithChats(cluster: Cluster): Promise<{ company: Company; agent: Person }> {
  const company = await Company.create(cluster.url);
  const agent = await company.hire();
  for (const visitor of ['One', 'Two', 'Three']) expectStatus(await company.chat(visitor, agent.id), 201);
  return { company, agent };
}

/** Runs the work while the service is down. */
async function whileDown<T>(cluster: Cluster, work: () => Promise<T>): Promise<T> {
  await cluster.takeDown(SERVICE);
  try {
    return await work();
  } finally {
    await cluster.run(SERVICE);
  }
}

async function eventOf(nats: NatsConnection, company: Company, { id }: Person, type: string) {
  const manager = await jetstreamManager(nats, { checkAPI: false, timeout: 2_000 });
  const subject = `user.${type}.${company.accountId}.${id}`;
  const { data } = (await eventually(() => manager.streams.getMessage(USERS.name, { last_by_subj: subject })))!;
  return { manager, subject, data };
}

/** Stops the relay from publishing the event again. */
async function stopRepublishing(cluster: Cluster, { id }: Person): Promise<void> {
  await cluster.servers.query('identity', `update outbox set due_at = 'infinity' where user_id = $1`, [id]);
}

/** Publishes the event again, and waits until the service has handled all its messages. */
async function publish(nats: NatsConnection, manager: JetStreamManager, subject: string, data: Uint8Array) {
  const all = headers();
  all.set('Nats-Msg-Id', `${subject} once more`);
  nats.publish(subject, data, { headers: all });
  await nats.flush();
  await eventually(
    async () => {
      const { num_pending, num_ack_pending } = await manager.consumers.info(USERS.name, `${SERVICE}-users`);
      return num_pending + num_ack_pending === 0;
    },
    { timeout: SETTLE },
  );
}

async function settledViolations({ servers }: Cluster, company: Company, timeout = SETTLE): Promise<string[]> {
  const late = await settled(servers, company.accountId, timeout).then(
    () => [],
    (error: Error) => [error.message],
  );
  return [...late, ...(await violations(servers, company.accountId))];
}
