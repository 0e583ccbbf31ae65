import { sql } from 'kysely';
import {
  auditList,
  departuresApprove,
  departuresCancel,
  departuresRefuse,
  policyPut,
  usersGet,
  type ApprovalRequest,
  type ApprovalsChange,
  type Departure,
  type DepartureRequest,
  type Principal,
  type Problem,
} from '#libs/contracts';
import { ApprovalExpiryWorker } from '../departures/decide/approval/approval-expiry.worker.js';
import type { TestDepartures } from './departures.js';
import { ownerOf } from './identity.js';

const DAY = 86_400_000;

/** A request that destroys what the policy keeps. */
export const DESTRUCTIVE: DepartureRequest = { overrides: { 'telephony.records': 'delete' } };

/** An account in which deletions need an approval: Ada requests them, Ben approves. */
export class ApprovalCast {
  private constructor(
    private readonly departures: TestDepartures,
    readonly owner: Principal,
    readonly ada: Principal,
    readonly ben: Principal,
    readonly leaver: Principal,
  ) {}

  static async of(departures: TestDepartures): Promise<ApprovalCast> {
    const { identity } = departures;
    const owner = ownerOf(await identity.anAccount({ preset: 'helpdesk' }));
    const ada = await identity.aPerson(owner, { roles: ['admin'] });
    const ben = await identity.aPerson(owner, { roles: ['admin'] });
    const cast = new ApprovalCast(departures, owner, ada, ben, await identity.aPerson(owner, { roles: ['agent'] }));
    await cast.choose({ deleted: true });
    return cast;
  }

  choose(approvals: ApprovalsChange) {
    return this.identity.call(policyPut, { principal: this.owner, body: { approvals } });
  }

  inDays(days: number): string {
    return new Date(this.identity.clock.millis() + days * DAY).toISOString();
  }

  remove(body: DepartureRequest = {}, by = this.ada): Promise<Departure> {
    return this.departures.delete(by, this.leaver.userId, body);
  }

  deactivate(body: DepartureRequest = {}, by = this.ada): Promise<Departure> {
    return this.departures.deactivate(by, this.leaver.userId, body);
  }

  approve({ id }: { id: string }, by = this.ben, body: ApprovalRequest = {}): Promise<Departure> {
    return this.identity.call(departuresApprove, { principal: by, params: { id }, body });
  }

  refuse({ id }: { id: string }, by = this.ben): Promise<Departure> {
    return this.identity.call(departuresRefuse, { principal: by, params: { id }, body: { reason: 'Still needed' } });
  }

  cancel({ id }: { id: string }, by = this.ada): Promise<Departure> {
    return this.identity.call(departuresCancel, { principal: by, params: { id } });
  }

  expire(): Promise<void> {
    return this.identity.get(ApprovalExpiryWorker).drain();
  }

  async status(): Promise<string> {
    return (await this.identity.call(usersGet, { principal: this.owner, params: { id: this.leaver.userId } })).status;
  }

  async audited(action?: string) {
    const query = { subjectId: this.leaver.userId, action };
    return (await this.identity.call(auditList, { principal: this.owner, query })).items;
  }

  async newsOf({ id }: Departure): Promise<string[]> {
    const news = sql<{ type: string }>`select type from departure_news where departure_id = ${id} order by id`;
    return (await this.identity.query(news)).map(({ type }) => type);
  }

  private get identity() {
    return this.departures.identity;
  }
}

/** The problem with which the call fails. */
export const problemOf = (call: Promise<unknown>): Promise<Problem> =>
  call.then(
    () => Promise.reject(new Error('the call has succeeded')),
    (problem: Problem) => problem,
  );
