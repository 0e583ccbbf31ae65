import { lazy, Suspense, useEffect } from 'react';
import { onKey, setOverlay, useOverlay } from './keys';

const loadPalette = () => import('./palette');
const Palette = lazy(loadPalette);
const KeysDialog = lazy(() => import('./keys-dialog'));

/** Listens to the keyboard and shows what it opens. */
export function KeysAndPalette() {
  const overlay = useOverlay();
  useEffect(() => {
    window.addEventListener('keydown', onKey);
    // So that nothing typed after Ctrl and K is lost.
    requestIdleCallback(() => void loadPalette());
    return () => window.removeEventListener('keydown', onKey);
  }, []);
  const close = () => setOverlay(undefined);
  return (
    <Suspense>
      {overlay === 'palette' && <Palette onClose={close} />}
      {overlay === 'keys' && <KeysDialog onClose={close} />}
    </Suspense>
  );
}
