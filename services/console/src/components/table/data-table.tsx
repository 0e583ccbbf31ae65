import { useEffect, type ReactNode } from 'react';
import { SkeletonRows } from './skeleton-rows';
import { useRowWindow } from './use-row-window';

export interface Column<Row> {
  id: string;
  title: string;
  cell: (row: Row) => ReactNode;
  /** `head` names the row; `num` is set to the right; `drop` is left out on a phone, `wide` takes a line of its own there. */
  kind?: 'head' | 'num';
  narrow?: 'drop' | 'wide';
  /** A class for the width. */
  width?: string;
}

interface DataTableProps<Row> {
  caption: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  keyOf: (row: Row) => string;
  isLoading?: boolean;
  /** Called when the end of the rows comes near. */
  onEnd?: () => void;
  /** Pixels of a row, before it is measured. */
  rowHeight?: number;
  foot?: ReactNode;
  className?: string;
}

/**
 * A table of any length: only rows near what is in view are rendered. On a phone its rows are cards, and the roles are written
 * out because `display` would remove them.
 */
export function DataTable<Row>(props: DataTableProps<Row>) {
  const { caption, columns, rows, keyOf, isLoading, onEnd, rowHeight = 52, foot, className = '' } = props;
  const { body, indexes, before, after, measure } = useRowWindow(rows.length, rowHeight);
  const last = indexes.at(-1) ?? 0;
  useEffect(() => {
    if (last >= rows.length - 30 && rows.length > 0) onEnd?.();
  }, [last, rows.length, onEnd]);
  return (
    <div className="table-wrap" aria-busy={isLoading}>
      <table className={`table hover cards mid fixed ${className}`} role="table" aria-rowcount={rows.length + 1}>
        <caption className="sr">{caption}</caption>
        <thead role="rowgroup">
          <tr role="row" aria-rowindex={1}>
            {columns.map(({ id, title, kind, width }) => (
              <th key={id} role="columnheader" scope="col" className={classOf(kind === 'num' && 'num', width)}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup" ref={body}>
          {isLoading && <SkeletonRows rows={8} columns={columns.length} />}
          <Spacer height={before} />
          {indexes.map((index) => {
            const row = rows[index];
            return (
              row !== undefined && (
                <tr key={keyOf(row)} role="row" aria-rowindex={index + 2} data-index={index} ref={measure}>
                  {columns.map((column) => (
                    <Cell key={column.id} column={column} row={row} />
                  ))}
                </tr>
              )
            );
          })}
          <Spacer height={after} />
        </tbody>
      </table>
      {foot && <div className="table-foot">{foot}</div>}
    </div>
  );
}

function Cell<Row>({ column: { cell, kind, narrow }, row }: { column: Column<Row>; row: Row }) {
  const className = classOf(kind === 'num' && 'num', narrow);
  if (kind === 'head')
    return (
      <th role="rowheader" scope="row" className={className}>
        {cell(row)}
      </th>
    );
  return (
    <td role="cell" className={className}>
      {cell(row)}
    </td>
  );
}

/** In place of the rows that are not rendered. */
function Spacer({ height }: { height: number }) {
  return height > 0 ? <tr aria-hidden="true" className="spacer" style={{ height }} /> : null;
}

const classOf = (...names: (string | false | undefined)[]): string | undefined =>
  names.filter(Boolean).join(' ') || undefined;
