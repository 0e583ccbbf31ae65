import type { FailpointName } from '#libs/jobs';
import { eventually } from '#libs/test-kit';
import { ACTIONS, SERVICES_OF_FAILPOINT } from './breakages.js';
import type { Cluster } from './cluster/cluster.js';
import { Company, expectStatus } from './company/company.js';

const ARRIVES_MS = 60_000;

/** From the transaction that asks for a mail to the answer of the mail server. */
export const MAIL_FAILPOINTS = ['call.commit', 'mail.request', 'mail.send'] as const satisfies FailpointName[];

/**
 * Invites a user for each action of the failpoint, which strikes once. Each mail has to arrive, and a repetition has the same
 * Message-ID.
 * @returns what is wrong
 * @throws Error if the failpoint did not strike, or a mail did not arrive
 */
export async function mailEachWay(cluster: Cluster, failpoint: FailpointName): Promise<string[]> {
  const { mailboxes } = cluster.servers;
  const company = await Company.create(cluster.url);
  const wrong: string[] = [];
  for (const [index, action] of ACTIONS.entries()) {
    const before = cluster.strikes;
    const email = `invited-${failpoint}-${action}@${company.accountId}.example`;
    cluster.strike(SERVICES_OF_FAILPOINT[failpoint][0]!, {
      failpoint,
      action,
      code: index % 2 === 0 ? '08006' : 'XX000',
    });
    const invited = { name: `Invited ${index}`, email, staffId: `Invited-${index}` };
    expectStatus(await company.ask('POST', '/v1/users', invited), 201);
    await eventually(() => cluster.strikes > before, { timeout: ARRIVES_MS });
    await cluster.whole();
    const ids = await eventually(
      async () => {
        const arrived = await mailboxes.of(email);
        if (arrived.length === 0) throw new Error(`no mail after ${failpoint} ${action}`);
        return new Set(arrived.map(({ id }) => id));
      },
      { timeout: ARRIVES_MS },
    );
    if (ids.size !== 1) wrong.push(`${ids.size} different mails after ${failpoint} ${action}`);
  }
  return wrong;
}
