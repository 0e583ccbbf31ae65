import { SCOPES } from '#libs/contracts';
import { signIn } from '../support/cast.js';
import type { System } from '../support/system.js';
import { ask } from './ask.js';
import { bodyFor, queryFor, removalOrder } from './bodies.js';
import type { FilledAccount } from './filled-account.js';
import { OWNERS } from './row-rights.js';
import type { Route, Routes } from './routes.js';

/** Callers with fewer permissions come first, so that records still exist when they are refused. */
export const CALLERS = ['nobody', 'scim', 'token', 'agent', 'admin', 'owner', 'keeper'] as const;
export type Caller = (typeof CALLERS)[number];

/** Refuses a token in a form: the protocol wants 400. */
export const REFUSED_TOKEN = 'logout-token-invalid';

/**
 * A bulk departure revokes the tokens of the user and drops the draft about them, and with a passkey the password proves nothing,
 * so these come first.
 */
const EARLY = /^(users\.(api-tokens\.|departure-draft\.get$)|me\.passkeys\.remove$)/;
/** Only a browser and an authenticator app make valid bodies for these. */
const MADE_BY_DEVICES = ['me.passkeys.create', 'me.totp.confirm'];
/** Operations that remove records come after those that need them, and those that end the caller's session come last. */
const LATE = [
  /^auth\.logout$/,
  /^users\.(transfer|convert|deactivate|delete|remove|reactivate)/,
  /\.(remove|revoke|end)$/,
];

/**
 * Calls every operation as every caller. The records belong to the keeper, or are about an agent who is not a caller. Every
 * answer except a refusal means that the caller is admitted.
 */
export class Matrix {
  private constructor(
    private readonly url: string,
    private readonly routes: Routes,
    private readonly things: ReadonlyMap<string, string>,
    private readonly account: FilledAccount,
    private readonly tokens: Record<Exclude<Caller, 'nobody'>, string>,
  ) {}

  static async of(system: System, routes: Routes, account: FilledAccount, scim: string): Promise<Matrix> {
    const { people, password, things, owner } = account;
    const [admin, , agent] = people.colleagues;
    for (const [path, name] of [
      ['/v1/users', 'somebody'],
      ['/scim/v2/Users', 'another'],
    ] as const) {
      const invite = { name, email: `${name}@${account.domain}`, staffId: name, password, roles: ['agent'] };
      things.set(path, (await owner.post('/v1/users', invite)).id as string);
    }
    await owner.put(`/v1/users/${things.get('/v1/users')}/departure-draft`, { transition: 'deactivated' });
    const theirs = await signIn(system, `somebody@${account.domain}`, password);
    const theirToken = await theirs.post('/v1/me/api-tokens', { name: 'Of somebody', scopes: SCOPES });
    things.set('/v1/users/{id}/api-tokens', theirToken.id as string);
    things.set('/scim/v2/Groups', (await owner.post('/v1/teams', { name: 'Night shift' })).id as string);
    const made = await system.api(agent!.api.token).post('/v1/me/api-tokens', { name: 'Of an agent', scopes: SCOPES });
    const tokens = {
      scim,
      token: made.token as string,
      agent: agent!.api.token,
      admin: admin.api.token,
      owner: people.owner.api.token,
      keeper: people.leaver.api.token,
    };
    return new Matrix(system.url, routes, things, account, tokens);
  }

  /** Admitted and refused callers by operation. After an admitted DELETE, callers with more permissions are not tried. */
  async tryAll(): Promise<Map<string, Record<'admitted' | 'refused', Caller[]>>> {
    const late = ({ id }: Route) => LATE.findIndex((pattern) => pattern.test(id));
    const inOrder = LATE.map((_, at) => this.routes.all.filter((route) => late(route) === at)).reverse();
    // Records below others, or with references to others, are removed first.
    const order = removalOrder(this.routes);
    const place = ({ path }: Route) => order.indexOf(path.slice(0, path.lastIndexOf('/')));
    inOrder[0]!.sort((one, other) => other.params.length - one.params.length || place(one) - place(other));
    const found = new Map<string, Record<'admitted' | 'refused', Caller[]>>();
    const inBetween = this.routes.all.filter((route) => late(route) < 0);
    const ordered = [...inBetween, ...inOrder.flat()];
    ordered.sort((one, other) => Number(EARLY.test(other.id)) - Number(EARLY.test(one.id)));
    for (const route of ordered) {
      const seen = { admitted: [] as Caller[], refused: [] as Caller[] };
      for (const caller of CALLERS) {
        const isAdmitted = await this.isAdmitted(route, caller);
        seen[isAdmitted ? 'admitted' : 'refused'].push(caller);
        if (isAdmitted && route.method === 'DELETE') break;
      }
      found.set(route.id, seen);
    }
    return found;
  }

  /** A change leaves the record to the keeper. */
  private bodyOf(route: Route): unknown {
    const body = bodyFor(this.routes, route, this.things);
    if (route.method !== 'PATCH' || typeof body !== 'object') return body;
    const kept = Object.entries(body as object).filter(([name]) => !OWNERS.includes(name));
    return Object.fromEntries(kept);
  }

  private async isAdmitted(route: Route, caller: Caller): Promise<boolean> {
    const { status, text, code } = await ask(this.url, {
      method: route.method,
      path: this.account.addressOf(route)! + queryFor(route),
      token: caller === 'nobody' ? undefined : this.tokens[caller],
      body: this.bodyOf(route),
      mediaType: route.body?.mediaType,
    });
    if (code === REFUSED_TOKEN) return false;
    if (status === 400 && !MADE_BY_DEVICES.includes(route.id))
      throw new Error(`${route.id} does not accept the body of the test: ${text}`);
    // A record that the caller may not see is answered with 404.
    return ![401, 403].includes(status) && !(status === 404 && route.params.length > 0);
  }
}
