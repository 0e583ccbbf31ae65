import { EntityManager, LockMode, raw } from '@mikro-orm/postgresql';
import { Controller, Inject } from '@nestjs/common';
import { Handles } from '#libs/broker';
import {
  callGet,
  callOutbound,
  calls,
  Problem,
  RIGHTS,
  whoMay,
  type AnswerOf,
  type Call,
  type CallOf,
  type OutboundCall,
  type Principal,
} from '#libs/contracts';
import { Clock, Directory, Ids, pageWindow, toPage } from '#libs/database';
import { allOf, personFields, rowsFor, type Relations } from '#libs/platform';
import { PhoneNumber, type PhoneNumberRow } from '../number/number.entity.js';
import { addContacts } from '../number-contact/number-contacts.js';
import { TelephonyConfig } from '../telephony.config.js';
import { PhoneCall, type PhoneCallRow } from './phone-call.entity.js';

type Shown = AnswerOf<typeof callGet>;

const numbers = (condition: string, parameters: string[]) =>
  raw(`(select id from phone_number where account_id = ? and ${condition})`, parameters);

const relations: Relations = {
  own: ({ accountId, userId }) => ({
    $or: [
      { userId },
      { numberId: { $in: numbers('(owner_id = ? or destination_user_id = ?)', [accountId, userId, userId]) } },
    ],
  }),
  team: ({ accountId }) => ({ numberId: { $in: numbers(`kind = 'shared'`, [accountId]) } }),
};

@Controller()
export class CallHistoryController {
  constructor(
    private readonly em: EntityManager,
    private readonly directory: Directory,
    private readonly ids: Ids,
    private readonly clock: Clock,
  ) {}

  /** Injected into the property, so that rules can be tested with the constructor that all controllers share. */
  @Inject(TelephonyConfig) private readonly config?: TelephonyConfig;

  @Handles(callOutbound)
  async place({ principal, body }: Call<OutboundCall>): Promise<Shown> {
    const { accountId, userId } = principal;
    await this.directory.requireActive(accountId, [userId]);
    const number = await this.usableNumber(body.numberId, accountId, userId);
    const call = this.em.create(PhoneCall, {
      id: this.ids.next(),
      accountId,
      direction: 'outbound',
      numberId: number.id,
      from: number.e164,
      to: body.to,
      outcome: 'placed',
      userId,
      createdAt: this.clock.now(),
    });
    await this.em.flush();
    if (body.contactId) await addContacts(this.em.getKysely(), number, [body.contactId], this.clock.now());
    return (await this.present([call]))[0]!;
  }

  @Handles(calls)
  async list({ principal, query }: CallOf<typeof calls>): Promise<AnswerOf<typeof calls>> {
    const { limit, before } = pageWindow(query);
    const { userId, direction, numberId } = query;
    const asked = {
      accountId: principal.accountId,
      ...(userId && { userId: userId === 'me' ? principal.userId : userId === 'none' ? null : userId }),
      ...(direction && { direction }),
      ...(numberId && { numberId }),
      ...(before && { id: { $lt: before } }),
    };
    const where = allOf<PhoneCallRow>(asked, this.seenBy(principal));
    const rows = await this.em.find(PhoneCall, where, { orderBy: { id: 'desc' }, limit: limit + 1 });
    const page = toPage(rows, query);
    return { ...page, items: await this.present(page.items) };
  }

  @Handles(callGet)
  async get({ principal, params }: Call): Promise<Shown> {
    const where = allOf<PhoneCallRow>({ id: params.id, accountId: principal.accountId }, this.seenBy(principal));
    const call = await this.em.findOne(PhoneCall, where);
    if (!call) throw new Problem('not-found');
    return (await this.present([call]))[0]!;
  }

  private seenBy(principal: Principal): object {
    return rowsFor(whoMay(RIGHTS.calls, 'get'), principal, relations, this.clock.now());
  }

  /** Only the owner of a personal number, or the user who answers it, may call from it. */
  private async usableNumber(id: string, accountId: string, userId: string): Promise<PhoneNumberRow> {
    const number = await this.em.findOne(PhoneNumber, { id, accountId }, { lockMode: LockMode.PESSIMISTIC_READ });
    if (!number) throw new Problem('unknown-reference', { detail: 'Choose a number of this account.', items: [id] });
    if (number.state !== 'assigned') throw new Problem('conflict', { detail: 'This number is not in use.' });
    if (this.config?.numbersRequireConfirmation && !number.verifiedAt)
      throw new Problem('conflict', { detail: 'The carrier has not confirmed this number yet.' });
    if (number.kind === 'personal' && ![number.ownerId, number.destinationUserId].includes(userId)) {
      throw new Problem('forbidden', { detail: 'This personal number belongs to another user.' });
    }
    return number;
  }

  private async present(rows: readonly PhoneCallRow[]): Promise<Shown[]> {
    const views = await this.directory.views(rows.map((row) => row.userId));
    return rows.map(({ id, direction, numberId, from, to, outcome, userId, createdAt }) => ({
      id,
      direction,
      numberId: numberId ?? null,
      from: from ?? null,
      to,
      outcome,
      ...(personFields('userId', userId, views) as Pick<Shown, 'userId' | 'user'>),
      createdAt: createdAt.toISOString(),
    }));
  }
}
