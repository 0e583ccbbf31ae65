import { useInfiniteQuery } from '@tanstack/react-query';
import { Dialog } from '../../../components/dialog';
import { PersonName } from '../../../components/person-name';
import { ProblemNotice } from '../../../components/problem-notice';
import { leave as texts } from '../../../texts/leave';
import type { Choices, Line } from '../plan/choices';
import { rowsQuery } from '../queries';

interface RowsDialogProps {
  userId: string;
  line: Line;
  count: number;
  of: Choices['transition'];
  onClose: () => void;
}

/** The rows behind a count. */
export function RowsDialog({ userId, line, count, of, onClose }: RowsDialogProps) {
  const { data, error, isPending, hasNextPage, fetchNextPage, refetch } = useInfiniteQuery(rowsQuery(userId, line, of));
  const rows = data?.pages.flatMap(({ items }) => items) ?? [];
  return (
    <Dialog title={texts.rows.title(count, line.label)} onClose={onClose}>
      <div aria-busy={isPending}>
        {error && <ProblemNotice error={error} title={texts.rows.failed} onRetry={() => void refetch()} />}
        {isPending && <span className="skeleton w2" />}
        {!isPending && !error && rows.length === 0 && <p className="muted">{texts.rows.empty}</p>}
        <ul className="lines">
          {rows.map(({ id, label, type, hidden }) => (
            <li key={id}>
              {hidden || label === null ? (
                <span className="muted">{texts.rows.hidden}</span>
              ) : (
                <PersonName>{label}</PersonName>
              )}
              <span className="muted small push">{type}</span>
            </li>
          ))}
        </ul>
      </div>
      <footer>
        {hasNextPage && (
          <button className="btn" type="button" onClick={() => void fetchNextPage()}>
            {texts.rows.more}
          </button>
        )}
        <button className="btn" type="button" data-autofocus onClick={onClose}>
          {texts.rows.close}
        </button>
      </footer>
    </Dialog>
  );
}
