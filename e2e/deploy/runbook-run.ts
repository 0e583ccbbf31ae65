import { eventually } from '#libs/test-kit';
import { PASSWORD, type Cast } from '../support/cast.js';
import { text } from './configuration.js';
import { commandsIn, wordsOf, type WrittenCommand } from './runbook.js';
import type { Stack } from './stack.js';

/** Publishes a message that no service can read, as only the second user of identity may. */
const PUBLISH_GARBAGE = `
  import { readFileSync } from 'node:fs';
  import { connect } from '@nats-io/transport-node';
  const { host, username, password } = new URL(readFileSync(process.env.NATS_URL_FILE, 'utf8').trim());
  const tls = { caFile: process.env.NATS_CA_FILE };
  const nats = await connect({ servers: host, user: username + '-streams', pass: password, tls });
  nats.publish('user.updated.somebody.else', 'no event');
  await nats.drain();
`;

/** What a command changes about the containers, before and after it, as its runbook says. */
const AROUND: Record<string, { before?: string[]; after?: string[] }> = {
  'leaver catch-up contacts --since <time>': {
    before: ['stop', 'contacts'],
    after: ['up', '--wait', '--no-deps', 'contacts'],
  },
};

/** The message stays unreadable, the departure is complete, and there is no service of another team. */
const REFUSED = /^leaver (replay|retry|services (retire|confirm)) /;
/** There is no terminal for the confirmation. */
const ASKS = /^leaver withdraw-signing-key /;
const exitCodeOf = (command: WrittenCommand) => (REFUSED.test(command) ? 1 : ASKS.test(command) ? 2 : 0);

/** What the token of `leaver login` may not do. */
const NEEDS_ADMIN: ReadonlySet<WrittenCommand> = new Set(['leaver audit']);

/** The service of docker-compose.yml that runs a command, and the words after its entry point. */
const runOf = (words: string[]): [string, string[]] =>
  words[0] === 'subscribers' ? ['subscribers', words.slice(1)] : ['leaver', words];

/** Carries out every command of docs/OPERATIONS.md with docker compose, and checks how it ends. */
export async function carryOutRunbooks(
  stack: Stack,
  { owner }: Cast,
  given: { departure: string; number: string },
): Promise<void> {
  const [identity] = await stack.containers('identity');
  await stack.inside(identity!.name, 'node', '--input-type=module', '--eval', PUBLISH_GARBAGE);
  const login = await stack.leaver(['login', '--email', owner.email], { input: `${PASSWORD}\n` });
  expect(login).toMatchObject({ exitCode: 0 });
  const asAdmin = { name: 'Runbooks', scopes: ['read', 'admin'] };
  const { token } = await owner.api.post('/v1/me/api-tokens', asAdmin);
  const account = await owner.api.get('/v1/account');
  const values = {
    ...given,
    'account-id': account.id as string,
    id: await deadLetter(stack),
    service: 'contacts',
    name: 'orders',
    time: new Date(Date.now() - 3_600_000).toISOString(),
  };
  const signing = ['leaver login', 'leaver logout'];
  const written = new Set(commandsIn(text('docs/OPERATIONS.md')));
  for (const command of [...written].filter((one) => !signing.includes(one))) {
    const { before, after } = AROUND[command] ?? {};
    if (before) await stack.compose(...before);
    const [service, words] = runOf(wordsOf(command, values));
    await eventually(
      async () => {
        const { exitCode, messages } = await stack.leaver(words, {
          service,
          token: NEEDS_ADMIN.has(command) ? (token as string) : '',
        });
        expect({ command, exitCode, messages }).toMatchObject({ command, exitCode: exitCodeOf(command) });
      },
      // Events may not have reached all services yet.
      { timeout: 60_000, interval: 2_000 },
    );
    if (after) await stack.compose(...after);
  }
  expect(await stack.leaver(['logout'])).toMatchObject({ exitCode: 0 });
  expect(await stack.leaver(['status', given.departure])).toMatchObject({ exitCode: 3 });
}

/** The id of the unreadable message in contacts. */
function deadLetter(stack: Stack): Promise<string> {
  return eventually(
    async () => {
      const { out } = await stack.leaver(['dead-letters', '--service', 'contacts', '--json']);
      const [letter] = JSON.parse(out) as { id: string }[];
      return letter!.id;
    },
    { timeout: 30_000, interval: 1_000 },
  );
}
