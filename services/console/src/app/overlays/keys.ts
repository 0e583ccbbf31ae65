import { useSyncExternalStore } from 'react';

/** What the keyboard has opened. */
export type Overlay = 'palette' | 'keys' | undefined;

let overlay: Overlay;
const listeners = new Set<() => void>();

export function setOverlay(next: Overlay): void {
  overlay = next;
  for (const listener of listeners) listener();
}

export const openPalette = (): void => setOverlay('palette');

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const useOverlay = (): Overlay => useSyncExternalStore(subscribe, () => overlay);

const WRITABLE = 'input:not([type="checkbox"], [type="radio"]), textarea, select, [contenteditable]';

/** Keys of single letters must not disturb somebody who writes, or a dialog that is open. */
const isWriting = (target: EventTarget | null): boolean =>
  target instanceof Element && target.closest(`${WRITABLE}, dialog`) !== null;

/** `/`, `?` and Ctrl or Cmd with K. A screen's search field has `data-page-search`. */
export function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.altKey) return;
  if ((event.ctrlKey || event.metaKey) && (event.key === 'k' || event.key === 'K')) return act(event, openPalette);
  if (event.ctrlKey || event.metaKey || isWriting(event.target) || document.querySelector('dialog[open]')) return;
  if (event.key === '?') return act(event, () => setOverlay('keys'));
  if (event.key === '/') {
    const field = document.querySelector<HTMLInputElement>('[data-page-search]');
    return act(event, () => (field ? field.focus() : openPalette()));
  }
}

function act(event: KeyboardEvent, action: () => void): void {
  event.preventDefault();
  action();
}
