import type { FailpointName } from '#libs/jobs';
import { eventually } from '#libs/test-kit';
import { ACTIONS, PASSERS } from './breakages.js';
import { settled, violations } from './checker.js';
import type { Cluster } from './cluster.js';
import { Company, expectStatus } from './company.js';

const SETTLE = 60_000;
/** More than one statement takes: the rest goes in chunks. */
const CHATS = 9;

/**
 * Somebody leaves while the failpoint strikes once in each way.
 * @returns what is wrong afterwards
 * @throws Error when it did not strike
 */
export async function strikeEachWay(cluster: Cluster, failpoint: FailpointName): Promise<string[]> {
  const passers = PASSERS[failpoint];
  const service = passers.includes('messaging') ? 'messaging' : passers[0]!;
  const company = await Company.found(cluster.url);
  for (const [index, action] of ACTIONS.entries()) {
    const agent = await company.hire();
    const before = cluster.strikes;
    for (let n = 0; n < CHATS; n++) expectStatus(await company.chat(`Visitor ${n}`, agent.id), 201);
    cluster.strike(service, { failpoint, action, code: index % 2 === 0 ? '08006' : 'XX000' });
    expectStatus(await company.chat('The last visitor', agent.id), 201);
    expectStatus(await company.decide(agent.id, 'deactivate'), 202);
    await eventually(() => cluster.strikes > before, { timeout: SETTLE });
    await cluster.whole();
    await settled(cluster.servers, company.accountId, SETTLE);
  }
  return violations(cluster.servers, company.accountId);
}
