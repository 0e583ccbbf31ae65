import { defineEntity, p } from '@mikro-orm/postgresql';
import { tenantRow, userRef } from '#libs/database';

/** One row per user who takes part in a report or goal. */
const membership = (name: string, tableName: string, wholeColumn: string) =>
  defineEntity({
    name,
    tableName,
    properties: {
      ...tenantRow(),
      wholeId: p.uuid().fieldName(wholeColumn),
      userId: userRef(),
    },
  });

/** A user whom a report is shared with. */
export const ReportShare = membership('ReportShare', 'report_share', 'report_id');

/** A user whose figures a report shows. */
export const ReportParticipant = membership('ReportParticipant', 'report_participant', 'report_id');

/** A user who works towards a goal. */
export const GoalParticipant = membership('GoalParticipant', 'goal_participant', 'goal_id');

export type Membership = typeof ReportShare;
