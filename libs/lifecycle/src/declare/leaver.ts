/** One person whose rows are worked on, as SQL sees it: the relation `l`. */
export interface LeaverRow {
  userId: string;
  accountId: string;
  wasManager: boolean;
  /** The decision that is carried out; unknown to what is done later. */
  lifecycleVersion?: number;
  /** When it was decided. Rows of the account that came later are none of this departure's business. */
  leftAt: Date;
  successor?: string | null;
  due?: Date | null;
  /** The lifecycle version under which changed rows are noted for an undo; null where nobody can want one. */
  undoVersion?: number | null;
}
