"""Real photographs, drawn: JPEG with EXIF time and place, and HEIC, as phones make them."""

import io
import random
from datetime import datetime
from fractions import Fraction

import pillow_heif
from PIL import ExifTags, Image, ImageDraw

pillow_heif.register_heif_opener()


def photograph(no: int, *, longitude: float, latitude: float, taken_at: datetime) -> tuple[str, str, bytes]:
    """Name, content type and bytes of a picture no other number gives; every thirteenth is HEIC."""
    picture = _draw(random.Random(no))
    exif = _exif(picture, longitude, latitude, taken_at)
    buffer = io.BytesIO()
    if no % 13 == 0:
        picture.save(buffer, "HEIF", quality=60, exif=exif.tobytes())
        return f"IMG_{no:04}.heic", "image/heic", buffer.getvalue()
    picture.save(buffer, "JPEG", quality=85, exif=exif)
    return f"IMG_{no:04}.jpg", "image/jpeg", buffer.getvalue()


def _draw(dice: random.Random) -> Image.Image:
    width, height = dice.choice([(800, 600), (600, 800)])
    small = Image.new("RGB", (16, 12), tuple(dice.randrange(80, 220) for _ in range(3)))
    for x in range(16):
        for y in range(12):
            small.putpixel((x, y), tuple(dice.randrange(40, 240) for _ in range(3)))
    picture = small.resize((width, height), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(picture)
    for _ in range(24):
        x, y, side = dice.randrange(width), dice.randrange(height), dice.randrange(20, 220)
        pen.rectangle((x, y, x + side, y + side // 2), fill=tuple(dice.randrange(256) for _ in range(3)))
    return picture


def _exif(picture: Image.Image, longitude: float, latitude: float, taken_at: datetime) -> Image.Exif:
    exif = picture.getexif()
    exif[ExifTags.Base.Make] = "Demo"
    exif[ExifTags.Base.Model] = "Phone 1"
    details = exif.get_ifd(ExifTags.IFD.Exif)
    details[ExifTags.Base.DateTimeOriginal] = taken_at.strftime("%Y:%m:%d %H:%M:%S")
    details[ExifTags.Base.OffsetTimeOriginal] = "+08:00"
    place = exif.get_ifd(ExifTags.IFD.GPSInfo)
    place[ExifTags.GPS.GPSLatitudeRef] = "N"
    place[ExifTags.GPS.GPSLatitude] = _degrees(latitude)
    place[ExifTags.GPS.GPSLongitudeRef] = "E"
    place[ExifTags.GPS.GPSLongitude] = _degrees(longitude)
    return exif


def _degrees(value: float) -> tuple[float, float, float]:
    exact = Fraction(value).limit_denominator(10**7)
    whole = int(exact)
    minutes = (exact - whole) * 60
    return float(whole), float(int(minutes)), float((minutes - int(minutes)) * 60)
