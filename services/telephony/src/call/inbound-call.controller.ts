import { EntityManager } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { Handles } from '#libs/broker';
import { callInbound, Problem, type Call, type InboundCall, type RoutedCall } from '#libs/contracts';
import { Directory } from '#libs/database';
import { PhoneNumber, type PhoneNumberRow } from '../number/number.entity.js';

@Controller()
export class InboundCallController {
  constructor(
    private readonly em: EntityManager,
    private readonly directory: Directory,
  ) {}

  /** Whatever a number's row says, nobody who has left gets a call. */
  @Handles(callInbound)
  async route({ principal, body }: Call<InboundCall>): Promise<RoutedCall> {
    const number = await this.dialled(principal.accountId, body.to);
    if (number.state === 'released') {
      return { ...unanswered(number, 'no-longer-in-service'), movedTo: await this.movedTo(number) };
    }
    const user = await this.directory.view(number.destinationUserId);
    if (!user) return unanswered(number, 'unassigned');
    if (user.status === 'deactivated' || user.status === 'deleted') return unanswered(number, 'voicemail');
    return { outcome: 'routed', numberId: number.id, user, movedTo: null };
  }

  /** The number in use; if there is none, the one that was released last. */
  private async dialled(accountId: string, e164: string): Promise<PhoneNumberRow> {
    const known = await this.em.find(PhoneNumber, { accountId, e164 }, { orderBy: { releaseAt: 'desc', id: 'desc' } });
    const number = known.find(({ state }) => state !== 'released') ?? known[0];
    if (!number) throw new Problem('not-found', { detail: 'This number is none of the account’s.' });
    return number;
  }

  private async movedTo({ accountId, movedToId }: PhoneNumberRow): Promise<RoutedCall['movedTo']> {
    const heir = movedToId && (await this.em.findOne(PhoneNumber, { id: movedToId, accountId, state: 'assigned' }));
    return heir ? { id: heir.id, e164: heir.e164 } : null;
  }
}

const unanswered = ({ id }: PhoneNumberRow, outcome: RoutedCall['outcome']): RoutedCall => ({
  outcome,
  numberId: id,
  user: null,
  movedTo: null,
});
