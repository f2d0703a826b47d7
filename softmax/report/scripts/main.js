// Starts the scripts of all sections.

import { results } from "softmax/results";
import { start as startLanguages } from "softmax/i18n";
import { start as startContrast } from "softmax/contrast";
import { start as startCurves } from "softmax/curves";
import { start as startData } from "softmax/data";
import { start as startDialogs } from "softmax/dialogs";
import { start as startDrawing } from "softmax/drawing";
import { start as startGallery } from "softmax/gallery";
import { start as startLesson } from "softmax/lesson";
import { start as startLikelihood } from "softmax/likelihood";
import { start as startLinks } from "softmax/links";
import { pause } from "softmax/pause";
import { start as startPixel } from "softmax/pixel";
import { start as startTerms } from "softmax/terms";
import { start as startTrain } from "softmax/train";
import { start as startWeights } from "softmax/weights";
import { start as startWorked } from "softmax/worked";

startLanguages();
startLinks();
startDialogs();
startPixel();

const sections = [
  startDrawing,
  startContrast,
  startWorked,
  startLikelihood,
  startLesson,
  startTerms,
  startData,
  startTrain,
  startCurves,
  startWeights,
  startGallery,
];
const content = document.getElementById("content");
content.ariaBusy = true; // some sections wait for unpacked data
for (const start of sections) {
  await start(results);
  await pause();
}
content.ariaBusy = false;
