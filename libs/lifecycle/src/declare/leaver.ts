/** A leaver as a row of the SQL relation `l`. */
export interface LeaverRow {
  userId: string;
  accountId: string;
  wasManager: boolean;
  /** The lifecycle version of the decision; unknown to delayed effects. */
  lifecycleVersion?: number;
  /** The time of the decision. Rules on the account's rows leave out rows created later. */
  leftAt: Date;
  successor?: string | null;
  due?: Date | null;
  /** The lifecycle version under which undo records are stored; null if the change cannot be undone. */
  undoVersion?: number | null;
}
