// Brings the sections of the page to life.

import { facts } from "softmax/facts";
import { start as startLanguages } from "softmax/i18n";
import { start as startContrast } from "softmax/contrast";
import { start as startCurves } from "softmax/curves";
import { start as startData } from "softmax/data";
import { start as startDialogs } from "softmax/dialogs";
import { start as startDrawing } from "softmax/drawing";
import { start as startGallery } from "softmax/gallery";
import { start as startLesson } from "softmax/lesson";
import { start as startLinks } from "softmax/links";
import { start as startPixel } from "softmax/pixel";
import { start as startWeights } from "softmax/weights";

startLanguages();
startLinks();
startDialogs();
startPixel();
for (const start of [
  startDrawing,
  startLesson,
  startContrast,
  startData,
  startCurves,
  startWeights,
  startGallery,
]) {
  start(facts);
}
