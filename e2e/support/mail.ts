import { eventually, tokenIn, type Mailboxes } from '#libs/test-kit';

export interface ArrivedMail {
  kind: string;
  to: string;
  token?: string;
}

/** The mails that arrive during the work, by kind. Waits for `count` of them. */
export async function mailsDuring(
  mailboxes: Mailboxes,
  count: number,
  work: () => Promise<unknown>,
): Promise<Map<string, ArrivedMail>> {
  const before = (await mailboxes.all()).length;
  await work();
  const mails = await eventually(async () => {
    const arrived = (await mailboxes.all()).slice(before);
    expect(arrived.length).toBeGreaterThanOrEqual(count);
    return arrived;
  });
  return new Map(
    mails.map((mail) => {
      const kind = mail.headers['x-leaver-mail']!;
      return [kind, { kind, to: mail.to[0]!, token: tokenIn(mail) }];
    }),
  );
}
