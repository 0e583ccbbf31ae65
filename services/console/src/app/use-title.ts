import { useEffect } from 'react';
import { app } from '../texts/app';

/** The title of the window. */
export function useTitle(screen: string): void {
  useEffect(() => {
    document.title = app.title(screen);
  }, [screen]);
}
