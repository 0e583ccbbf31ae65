import type { FailpointName } from '#libs/jobs';
import { eventually } from '#libs/test-kit';
import { ACTIONS, SERVICES_OF_FAILPOINT } from './breakages.js';
import { settled, violations } from './checker.js';
import type { Cluster } from './cluster/cluster.js';
import { Company, expectStatus } from './company/company.js';

const SETTLE = 60_000;
/** More rows than the row budget of the build, so that the rest is changed in chunks. */
const CHATS = 9;

/**
 * Runs a departure for each action of the failpoint, which strikes once.
 * @returns the violations afterwards
 * @throws Error if the failpoint did not strike
 */
export async function strikeEachWay(cluster: Cluster, failpoint: FailpointName): Promise<string[]> {
  const services = SERVICES_OF_FAILPOINT[failpoint];
  const service = services.includes('messaging') ? 'messaging' : services[0]!;
  const company = await Company.create(cluster.url);
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
