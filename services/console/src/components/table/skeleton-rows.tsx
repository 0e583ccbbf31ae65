/** Rows of a table while it is loaded, as high as the real ones. */
export function SkeletonRows({ rows, columns }: { rows: number; columns: number }) {
  return Array.from({ length: rows }, (_, row) => (
    <tr key={row} aria-hidden="true">
      {Array.from({ length: columns }, (_, column) => (
        <td key={column} className={column > 1 ? 'drop' : undefined}>
          <span className={`skeleton w${column === 0 ? 2 : 3}`} />
        </td>
      ))}
    </tr>
  ));
}
