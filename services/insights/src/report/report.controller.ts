import { LockMode, raw } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { Handles } from '#libs/broker';
import {
  Problem,
  reports,
  reportShare,
  type AnswerOf,
  type Call,
  type CallOf,
  type NewReport,
  type ReportChanges,
  type SharedWith,
  type Sharing,
} from '#libs/contracts';
import { plainResource } from '#libs/platform';
import { ReportParticipant, ReportShare } from '../membership/membership.entity.js';
import { addMembers, membersOf, replaceMembers } from '../membership/memberships.js';
import { Report, type ReportRow } from './report.entity.js';

type Shown = AnswerOf<typeof reportShare>;

const base = plainResource(reports, {
  entity: Report,
  shown: ['name', 'definition', 'withdrawn', 'createdAt'],
  people: ['ownerId'],
  mine: 'ownerId',
  team: ({ userId }) => ({
    withdrawn: false,
    $or: [
      { sharing: 'everyone' },
      { sharing: 'users', id: { $in: raw('(select report_id from report_share where user_id = ?)', [userId]) } },
    ],
  }),
});

type NewRow = Partial<ReportRow> & { sharedWith: SharedWith; participantIds?: string[] };

@Controller()
export class ReportController extends base {
  override async prepare({ body }: Call): Promise<NewRow> {
    const { definition = {}, sharedWith = [], ...values } = body as NewReport;
    return { ...values, definition, sharing: sharingOf(sharedWith), withdrawn: false, sharedWith };
  }

  override async insert(
    call: Pick<Call, 'principal'>,
    { sharedWith, participantIds = [], ...values }: NewRow,
  ): Promise<ReportRow> {
    const readers = usersOf(sharedWith);
    await this.directory.requireActive(call.principal.accountId, [...readers, ...participantIds]);
    const report = await super.insert(call, values);
    await addMembers(this.em, this.ids, ReportShare, report, readers);
    await addMembers(this.em, this.ids, ReportParticipant, report, participantIds);
    return report;
  }

  /** All users in one call, so that they are locked in the same order as by a departure. */
  override async prepareChange(report: ReportRow, call: Call<ReportChanges>): Promise<void> {
    const { ownerId, participantIds = [] } = call.body;
    await this.directory.lockAndFindLeft(report.accountId, [ownerId, ...participantIds]);
    await super.prepareChange(report, call);
  }

  override async change(report: ReportRow, call: Call<ReportChanges>): Promise<void> {
    const { participantIds, ...changes } = call.body;
    await super.change(report, { ...call, body: changes });
    if (participantIds) await replaceMembers(this, ReportParticipant, report, participantIds);
  }

  override async present(rows: readonly ReportRow[], call: Pick<Call, 'principal'>): Promise<object[]> {
    const answers = await super.present(rows, call);
    const ids = rows.map((row) => row.id);
    const readers = await membersOf(this.em, this.directory, ReportShare, ids);
    const participants = await membersOf(this.em, this.directory, ReportParticipant, ids);
    return answers.map((answer, index) => {
      const { id, sharing } = rows[index]!;
      const included = participants(id);
      return {
        ...answer,
        sharedWith: sharing === 'everyone' ? sharing : readers(id),
        participantIds: included.map((user) => user.id),
        participants: included,
      };
    });
  }

  @Handles(reportShare)
  async share(call: CallOf<typeof reportShare>): Promise<Shown> {
    const { accountId, userId } = call.principal;
    const { sharedWith } = call.body;
    const readers = usersOf(sharedWith);
    const report = await this.find(call);
    await this.directory.requireActive(accountId, [userId, ...readers]);
    await this.em.refresh(report, { lockMode: LockMode.PESSIMISTIC_WRITE });
    if (report.ownerId !== userId) throw new Problem('forbidden', { detail: 'Only the owner may share a report.' });
    report.sharing = sharingOf(sharedWith);
    report.withdrawn = false;
    await this.em.flush();
    await this.em.nativeDelete(ReportShare, { wholeId: report.id });
    await addMembers(this.em, this.ids, ReportShare, report, readers);
    return (await this.present([report], call))[0] as Shown;
  }
}

const usersOf = (sharedWith: SharedWith): readonly string[] => (sharedWith === 'everyone' ? [] : sharedWith);

function sharingOf(sharedWith: SharedWith): Sharing {
  if (sharedWith === 'everyone') return sharedWith;
  return sharedWith.length > 0 ? 'users' : 'nobody';
}
