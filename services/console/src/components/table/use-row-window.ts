import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { useLayoutEffect, useRef, useState, type RefObject } from 'react';

interface RowWindow {
  body: RefObject<HTMLTableSectionElement | null>;
  /** Indexes of the rows to render. */
  indexes: readonly number[];
  /** Pixels of the rows above and below, which are not rendered. */
  before: number;
  after: number;
  measure: (row: HTMLElement | null) => void;
}

/** Which rows of a long table are near what is in view. The page scrolls, not the table. */
export function useRowWindow(count: number, estimate: number): RowWindow {
  const body = useRef<HTMLTableSectionElement>(null);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    if (body.current) setTop(body.current.getBoundingClientRect().top + window.scrollY);
  }, [count]);
  const virtualizer = useWindowVirtualizer({ count, estimateSize: () => estimate, overscan: 12, scrollMargin: top });
  const items = virtualizer.getVirtualItems();
  const [first, last] = [items[0], items.at(-1)];
  return {
    body,
    indexes: items.map(({ index }) => index),
    before: first ? first.start - top : 0,
    after: last ? virtualizer.getTotalSize() - (last.end - top) : 0,
    measure: virtualizer.measureElement,
  };
}
